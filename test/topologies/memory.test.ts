import { CacheMemory, ValkeyMemory } from "effect-vcache"
import { TestClock } from "effect/testing"
import { cacheContract } from "../contracts/cacheContract.ts"
import { clientContract } from "../contracts/clientContract.ts"
import { lookupContract } from "../contracts/lookupContract.ts"
import { applicationContract } from "../contracts/applicationContract.ts"
import { coordinationContract } from "../contracts/coordinationContract.ts"
import { fieldLifetimeContract } from "../contracts/fieldLifetimeContract.ts"
import { invalidationContract } from "../contracts/invalidationContract.ts"
import { nearContract } from "../contracts/nearContract.ts"
import { pipelineContract } from "../contracts/pipelineContract.ts"
import { sessionContract } from "../contracts/sessionContract.ts"
import { elsewhereIsHere } from "../support/near/elsewhere.ts"
import { streamContract } from "../contracts/streamContract.ts"
import { structureContract } from "../contracts/structureContract.ts"
import { tagContract } from "../contracts/tagContract.ts"

cacheContract("the cache in memory", CacheMemory, { pass: (millis) => TestClock.adjust(millis) })
clientContract("the client in memory", ValkeyMemory.layer())
nearContract("the cache in memory", elsewhereIsHere(ValkeyMemory.layer()), {
  pass: (millis) => TestClock.adjust(millis)
})
lookupContract("the cache in memory", CacheMemory)
structureContract("the cache in memory", CacheMemory)
fieldLifetimeContract("the cache in memory", CacheMemory)
pipelineContract("the cache in memory", CacheMemory)
streamContract("the cache in memory", CacheMemory)
applicationContract("the cache in memory", CacheMemory)
coordinationContract("the cache in memory", CacheMemory)
invalidationContract("the client in memory", ValkeyMemory.layer(), { isAlone: true })
sessionContract("the cache in memory", CacheMemory)
tagContract("the cache in memory", elsewhereIsHere(ValkeyMemory.layer()))
