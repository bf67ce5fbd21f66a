/** The keys of a cache. */
import { Duration, Effect, Option, Result, Stream } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { isKeyType, keyTypes } from "../../schema/Command.ts"
import { keySpace } from "../../schema/key.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { lifetime } from "../inspection/words.ts"
import { selectField } from "./forms.ts"
import { frame, noCache, table, trouble } from "./frame.ts"
import { html, type Html } from "./Html.ts"
import { keyAddress, shortKey } from "./keyAddress.ts"
import { chosenCache, type Shown, type ShownCache, type Visit } from "./Visit.ts"

/** Keys of one page. */
const most = 100
/** A search for something rare is given up. */
const patience = Duration.seconds(3)

/** The user keys that match, only those of this cache, its prefix and its version. */
const found = ({ cache }: ShownCache, pattern: string, type: string) => {
  const { keyFunction, prefix, version } = cache.options
  const space = keySpace(keyFunction, { prefix, version }, pattern)
  const collected: Array<string> = []
  const options = { match: space.match, ...(isKeyType(type) ? { type } : {}) }
  const search = cache.client.scan(options).pipe(
    Stream.map(space.userKey),
    Stream.filter((key) => key !== undefined),
    Stream.take(most),
    Stream.runForEach((key) => Effect.sync(() => collected.push(key)))
  )
  return Effect.map(Effect.timeoutOption(search, patience), (ended) => ({
    keys: [...new Set(collected)],
    gaveUp: Option.isNone(ended)
  }))
}

const factsOf = (client: ValkeyClientShape, finals: ReadonlyArray<string>) =>
  Effect.map(
    client.pipeline(
      finals.flatMap((key) => [
        { name: "TYPE", args: [key] },
        { name: "PTTL", args: [key] }
      ])
    ),
    (results) =>
      finals.map((_, at) => {
        const [type, pttl] = [results[2 * at], results[2 * at + 1]].map((result) =>
          result !== undefined && Result.isSuccess(result) ? String(result.success) : "?"
        )
        const hasEnded = type === "none" || pttl === "-2"
        return { type: type ?? "?", lives: hasEnded ? "no more" : pttl === "?" ? "?" : lifetime(Number(pttl)) }
      })
  )

const searchForm = ({ caches, path }: Visit, name: string, pattern: string, type: string): Html =>
  html`<section aria-label="Search">
    <form method="get" action="${path}/keys">
      ${selectField(
        "Cache",
        "c",
        caches.map((cache) => [cache.name, cache.name]),
        name
      )}
      <label
        >Pattern<input
          name="pattern"
          value="${pattern}"
          maxlength="4096"
          autocapitalize="off"
          autocomplete="off"
          spellcheck="false"
      /></label>
      ${selectField("Type", "type", [["", "any"], ...keyTypes.map((one) => [one, one] as const)], type)}
      <button>Search</button>
    </form>
    <p class="note">
      The pattern is a glob: <code>*</code> any text, <code>?</code> one character, <code>[ab]</code> one of them.
    </p>
  </section>`

export const keysPage = (visit: Visit): Effect.Effect<Shown> =>
  Effect.suspend(() => {
    const shown = chosenCache(visit)
    if (shown === undefined) return Effect.succeed(noCache(visit, "keys"))
    const { cache, name } = shown
    const pattern = visit.params.get("pattern") || "*"
    const type = visit.params.get("type") ?? ""
    const framed = (results: Html, status = 200): Shown => ({
      status,
      body: frame(visit, `Keys of ${name}`, "keys", html`${searchForm(visit, name, pattern, type)}${results}`)
    })
    if (!pattern.isWellFormed() || pattern.length > 4096)
      return Effect.succeed(framed(trouble("The pattern is no text, or too long."), 400))
    return Effect.gen(function* () {
      const { gaveUp, keys } = yield* found(shown, pattern, type)
      const facts =
        keys.length === 0
          ? []
          : yield* factsOf(
              cache.client,
              keys.map((key) => cache.makeKey(key))
            )
      const rows = keys.map(
        (key, at) =>
          html`<tr>
            <th scope="row"><a href="${keyAddress(visit, name, key)}">${shortKey(key)}</a></th>
            <td data-label="Type">${facts[at]?.type}</td>
            <td data-label="Lives">${facts[at]?.lives}</td>
          </tr>`
      )
      const words = gaveUp
        ? `The search was given up after 3 seconds; it had found ${keys.length}.`
        : keys.length >= most
          ? `The first ${most} keys. There may be more: refine the pattern.`
          : `${keys.length} ${keys.length === 1 ? "key" : "keys"}.`
      return framed(
        html`<section aria-label="Results">
          <p role="status">${words}</p>
          ${table("Keys", ["Key", "Type", "Lives"], rows)}
        </section>`
      )
    }).pipe(Effect.catch((error: CommandError) => Effect.succeed(framed(trouble(error.message), 503))))
  })
