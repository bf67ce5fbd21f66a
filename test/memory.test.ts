import { CacheMemory } from "effect-vcache"
import { TestClock } from "effect/testing"
import { cacheContract } from "./contracts/cacheContract.ts"

cacheContract("the cache in memory", CacheMemory, { pass: (millis) => TestClock.adjust(millis) })
