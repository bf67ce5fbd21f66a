/** Subscriptions, each on a connection of its own. They end with their scope, with their connection, or with the client. */
import { Deferred, Effect, Exit, type Scope, type Stream } from "effect"
import type { CommandError, CacheServerError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { closedError } from "../../schema/failures.ts"
import type { Message, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { type ChannelKind, checkChannels } from "../commands/channels.ts"
import { Inbox } from "../commands/Inbox.ts"
import type { Link } from "./Link.ts"
import { type Channels, listen, type ListenerOptions } from "./listen.ts"

/** Servers that name one another as the owner of a slot are believed so often. */
const maxRedirects = 16

type OpenLink = (options: ListenerOptions) => Link

/** Opens the connections of subscribers. */
export interface SubscriberRoute {
  /** The connection for these channels, or why they cannot share one. */
  readonly open: (channels: ReadonlyArray<string>, kind: ChannelKind) => OpenLink | CommandError
  /** A server has refused sharded channels, which are another server's. Whether they are to be tried again. */
  readonly onMoved?: ((error: CacheServerError) => boolean) | undefined
}

export const makeSubscription = Effect.fnUntraced(function* (
  settings: ConnectionSettings,
  route: SubscriberRoute
): Effect.fn.Return<ValkeyClientShape["subscription"], never, Scope.Scope> {
  /** What ends each of those that are open. */
  const ends = new Set<() => void>()
  let isClosed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      for (const end of ends) end()
    })
  )

  /** Done when the server has confirmed the channels. */
  const subscribe = (openLink: OpenLink, channels: Channels) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const inbox = yield* Inbox.make(channels.command)
        const ready = Deferred.makeUnsafe<void, CommandError>()
        const end = (error: CommandError) => {
          Deferred.doneUnsafe(ready, Exit.fail(error))
          inbox.fail(error)
          ends.delete(close)
          void listener.stop()
        }
        const close = () => end(closedError(channels.command))
        const listener = listen(settings, openLink, channels, {
          onReady: () => Deferred.doneUnsafe(ready, Exit.void),
          onMessage: (message) => {
            const overflow = inbox.give(message)
            if (overflow !== undefined) end(overflow)
          },
          // Not before there is a listener to be stopped.
          onError: (error) => void queueMicrotask(() => end(error))
        })
        ends.add(close)
        const release = Effect.promise(() => {
          ends.delete(close)
          inbox.end()
          return listener.stop()
        })
        yield* Effect.onExit(restore(Deferred.await(ready)), (exit) =>
          Exit.isFailure(exit) ? release : Effect.addFinalizer(() => release)
        )
        return inbox.messages
      })
    )

  return (channels, options) =>
    Effect.suspend(() => {
      const checked = checkChannels(channels, options)
      if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
      const { command, kind, names } = checked.value
      let redirects = 0
      const attempt: Effect.Effect<Stream.Stream<Message, CommandError>, CommandError, Scope.Scope> = Effect.suspend(
        () => {
          if (isClosed) return Exit.fail(closedError(command))
          const openLink = route.open(names, kind)
          if (typeof openLink !== "function") return Exit.fail(openLink)
          return Effect.catchTag(subscribe(openLink, { channels: names, command }), "CacheServerError", (error) =>
            error.code === "MOVED" && ++redirects <= maxRedirects && route.onMoved?.(error) === true
              ? attempt
              : Exit.fail(error)
          )
        }
      )
      return attempt
    })
})
