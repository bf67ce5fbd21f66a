/** Puts the operations of a cache together. */
import { Effect, type Schema, type Scope } from "effect"
import type { CacheName } from "../../schema/CacheName.ts"
import { type CacheOptions, usableFormat, type ViewOptions, type ViewSettings } from "../../schema/CacheOptions.ts"
import type { FormatOptions } from "../../schema/Formats.ts"
import { gaugeOf } from "../../schema/gauge.ts"
import type { NearSettings } from "../../schema/NearOptions.ts"
import { schemaCodecs } from "../../schema/SchemaCodec.ts"
import { unknownCodec, type ValueCodec } from "../../schema/ValueCodec.ts"
import type { ComposedPolicy } from "../CachePolicy.ts"
import type { TypedCache } from "../operations/TypedCache.ts"
import type { ValkeyClientShape } from "../ValkeyClient.ts"
import { clientShare } from "./ClientShare.ts"
import { makeCoordination } from "./coordination/Coordination.ts"
import { coordinationOperations } from "./coordination/coordinationOperations.ts"
import { oneForEachChange } from "./oneForEachChange.ts"
import { oneForEachFormat } from "./oneForEachFormat.ts"
import { disabledClient, disabledHealth, disabledPolicy } from "./disabled.ts"
import { keysOf } from "./keysOf.ts"
import { checkHealth } from "./health.ts"
import { type CacheCore, makeContext } from "./kernel/context.ts"
import { metricsOf } from "./kernel/metrics.ts"
import { Unstorable } from "./kernel/Unstorable.ts"
import { noNear, openNear } from "./near/openNear.ts"
import { nearOperations } from "./nearOperations.ts"
import { memoizeOver } from "./memoize.ts"
import { lookupOperations } from "./lookups/lookupOperations.ts"
import type { SingleFlight } from "./lookups/SingleFlight.ts"
import type { QueueKind } from "./pipelines/OperationQueue.ts"
import { pipelineOperations } from "./pipelines/pipelines.ts"
import { atOnce, queueingClient } from "./pipelines/queueingClient.ts"
import { scriptOperation } from "./pipelines/script.ts"
import { makeSession } from "./sessions/session.ts"
import { structureOperations } from "./structures/structureOperations.ts"
import { underPolicy } from "./underPolicy.ts"
import { updateOperations } from "./updates/updateOperations.ts"
import { batchOperations } from "./values/batchOperations.ts"
import { counterOperations } from "./values/counters.ts"
import { keySpaceOperations } from "./values/keySpace.ts"
import { lifetimeOperations } from "./values/lifetimes.ts"
import { replicated, tagOperations } from "./values/tagOperations.ts"
import { valueOperations } from "./values/values.ts"

/** How values of one type are stored, under whatever options, and their lookups that are under way. */
interface View<A, RD, RE> {
  readonly codec: (options: FormatOptions) => ValueCodec<A, RD, RE>
  readonly flights: SingleFlight
  /** The caches that were made of it. */
  readonly caches: Readonly<Record<Manner, WeakMap<ViewSettings, TypedCache<A, RD, RE>>>>
}

/** How what a cache is asked to do gets to the server: by itself, or in a queue with others. */
type Manner = "direct" | QueueKind

type SchemaView<S extends Schema.Constraint> = View<S["Type"], S["DecodingServices"], S["EncodingServices"]>

/** A cache over a client; metrics call it by its name. Lookups that are under way live in the scope. */
export const make = (
  client: ValkeyClientShape,
  options: CacheOptions,
  nearSettings: NearSettings | undefined,
  policy: ComposedPolicy | undefined,
  name: CacheName
): Effect.Effect<TypedCache<unknown>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const { allFlights, updateTurns, ...shared } = yield* clientShare(client)
    const coordination = yield* makeCoordination(shared)
    const isOff = ({ enabled }: CacheOptions) => !enabled || client.isDisabled === true
    const near = yield* openNear(client, options, isOff(options) ? undefined : nearSettings, name, policy?.notify)
    const metrics = metricsOf(name)
    yield* gaugeOf("leases_held", "Locks and permits that are held here", { ...name }, () => coordination.renewals.size)
    yield* gaugeOf("lookups_running", "Keys that are looked up now", { ...name }, allFlights.running)
    const core: CacheCore = {
      client,
      direct: client,
      policy,
      near,
      inFlight: allFlights,
      begin: Effect.suspend,
      scope,
      metrics,
      unstorable: new Unstorable(metrics)
    }
    const queue = queueingClient(client)
    // What is queued is answered by the server.
    const queued: CacheCore = { ...core, client: queue, begin: atOnce, near: undefined }
    const cores: Readonly<Record<Manner, CacheCore>> = {
      direct: core,
      pipeline: queued,
      // A transaction passes the policy as a whole.
      transaction: { ...queued, policy: undefined }
    }
    const off = disabledClient(client)
    const unasked: CacheCore = {
      ...core,
      client: off,
      direct: off,
      near: undefined,
      policy: disabledPolicy(policy, client.topology)
    }
    const offCores: Readonly<Record<Manner, CacheCore>> = {
      direct: unasked,
      pipeline: { ...unasked, begin: atOnce },
      // Its operations are queued, so that it fails as a whole.
      transaction: { ...unasked, client: queueingClient(off), begin: atOnce, policy: undefined }
    }
    const viewOf = <A, RD, RE>(type: object, codec: View<A, RD, RE>["codec"]): View<A, RD, RE> => ({
      codec: oneForEachFormat(codec),
      flights: allFlights.of(type, scope),
      caches: { direct: new WeakMap(), pipeline: new WeakMap(), transaction: new WeakMap() }
    })

    const untyped = viewOf<unknown, never, never>(unknownCodec, unknownCodec)

    // One view of each schema, however often the cache is seen through it.
    const views = new WeakMap<Schema.Constraint, unknown>()
    const viewOfSchema = <S extends Schema.Constraint>(schema: S): SchemaView<S> => {
      const known = views.get(schema)
      // The map holds for each schema the view made of it.
      if (known !== undefined) return known as SchemaView<S>
      const view: SchemaView<S> = viewOf(schema, schemaCodecs(schema))
      views.set(schema, view)
      return view
    }

    const cacheOf = <A, RD, RE>(
      view: View<A, RD, RE>,
      options: ViewSettings,
      manner: Manner = "direct"
    ): TypedCache<A, RD, RE> => {
      const known = view.caches[manner].get(options)
      if (known !== undefined) return known
      const core = (isOff(options) ? offCores : cores)[manner]
      const { client, policy } = core
      const context = makeContext(core, options, view.codec(usableFormat(options)))
      const { operations: batches, readAll } = batchOperations(context)
      const operations = {
        ...valueOperations(context),
        ...batches,
        ...counterOperations(context),
        ...lifetimeOperations(context),
        ...keySpaceOperations(context),
        ...tagOperations(context)
      }
      const guarded = underPolicy(policy, operations)
      const cache: TypedCache<A, RD, RE> = {
        ...guarded,
        ...nearOperations(context, guarded, readAll),
        invalidateTags: replicated(guarded.invalidateTags),
        ...lookupOperations(context, allFlights, view.flights),
        ...updateOperations(context, updateTurns),
        memoize: memoizeOver(() => cacheOf(untyped, options)),
        ...structureOperations(context),
        ...coordinationOperations(context, coordination),
        ...scriptOperation(context),
        session: (key, keyOptions) => makeSession(context, key, keyOptions),
        ...pipelineOperations(context, (kind) => cacheOf(view, options, kind)),
        withSchema: (schema) => cacheOf(viewOfSchema(schema), options, manner),
        withOptions: oneForEachChange((changes: ViewOptions) => cacheOf(view, { ...options, ...changes }, manner)),
        options,
        ...keysOf(options),
        health: isOff(options) ? disabledHealth(client) : checkHealth(client, near),
        near: near?.state ?? noNear,
        client
      }
      view.caches[manner].set(options, cache)
      return cache
    }

    return cacheOf(untyped, options)
  })
