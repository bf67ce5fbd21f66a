/** The second store's client, of which it is noted what it changes. */
import { Clock, Effect, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Command } from "../../schema/Command.ts"
import { type Script, scriptCall } from "../../schema/Script.ts"
import type { PipelineResults, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import type { Notes } from "./Notes.ts"
import { toldOf, watched } from "./told.ts"

type NotedClient = Pick<ValkeyClientShape, "send" | "pipeline" | "transaction" | "eval">

export const notedClient = (client: NotedClient, notes: Notes): NotedClient => {
  /** A script whose twin has each of its commands noted. */
  const watching = (script: Script, now: number) => watched(script, (told, reply) => notes.note(told, reply, now))

  /** Several commands; of scripts whose twins ran nothing is left to note. */
  const several = <A>(
    commands: ReadonlyArray<Command>,
    run: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<A>, CommandError>,
    answerOf: (item: A) => PipelineResults[number]
  ) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const scripts = commands.map(({ script }) => script && watching(script, now))
      const sent = commands.map((command, i) => {
        const script = scripts[i]?.script
        return script === undefined ? command : { ...command, script }
      })
      return notes.of(commands.map(toldOf), run(sent), (items) =>
        items.map((item, i) => (scripts[i]?.hasTold() === true ? undefined : answerOf(item)))
      )
    })

  return {
    send: (name, args, options) =>
      notes.of([toldOf({ name, args })], client.send(name, args, options), (reply) => [Result.succeed(reply)]),

    pipeline: (commands) => several(commands, client.pipeline, (answer) => answer),
    transaction: (commands) => several(commands, client.transaction, Result.succeed),

    eval: (script, keys, args) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const { hasTold, script: twin } = watching(script, now)
        return notes.of([toldOf(scriptCall(script, keys, args))], client.eval(twin, keys, args), (reply) => [
          hasTold() ? undefined : Result.succeed(reply)
        ])
      })
  }
}
