/** The keys of a cache, and one of them. */
import { Clock, Duration, Effect, Option, Result, Stream } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { isKeyType, keyTypes } from "../../schema/Command.ts"
import { keyRefusal, keySpace } from "../../schema/key.ts"
import { utf8Text } from "../../schema/utf8Text.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { type Entry, entryAt } from "../inspection/Entry.ts"
import { inBytes, lifetime } from "../inspection/words.ts"
import { addressOf, figure, frame, type ShownCache, table, trouble, type Visit } from "./frame.ts"
import { html, type Html } from "./Html.ts"

/** A page, and with which status it is sent. */
export interface Shown {
  readonly body: Html
  readonly status: number
}

/** Keys of one page. */
const most = 100
/** A search for something rare is given up. */
const patience = Duration.seconds(3)

const toParam = (key: string): string => Buffer.from(key).toString("base64url")

const fromParam = (param: string): string | undefined => utf8Text(Buffer.from(param, "base64url"))

/** The cache that the address names, else the first. */
const chosen = ({ caches, params }: Visit): ShownCache | undefined => {
  const name = params.get("c")
  return name === null ? caches[0] : caches.find((cache) => cache.name === name)
}

const noCache = (visit: Visit): Shown => ({
  status: 404,
  body: frame(visit, "No such cache", "keys", trouble("No cache of this name is shown here."))
})

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
        return { type: type ?? "?", lives: pttl === "?" ? "?" : lifetime(Number(pttl)) }
      })
  )

const searchForm = ({ caches, path }: Visit, name: string, pattern: string, type: string): Html => {
  const option = (value: string, text: string, current: string) =>
    value === current
      ? html`<option value="${value}" selected>${text}</option>`
      : html`<option value="${value}">${text}</option>`
  return html`<section aria-label="Search">
    <form method="get" action="${path}/keys">
      <label
        >Cache<select name="c">
          ${caches.map((cache) => option(cache.name, cache.name, name))}
        </select></label
      >
      <label
        >Pattern<input
          name="pattern"
          value="${pattern}"
          maxlength="4096"
          autocapitalize="off"
          autocomplete="off"
          spellcheck="false"
      /></label>
      <label
        >Type<select name="type">
          ${option("", "any", type)}${keyTypes.map((one) => option(one, one, type))}
        </select></label
      >
      <button>Search</button>
    </form>
    <p class="note">
      The pattern is a glob: <code>*</code> any text, <code>?</code> one character, <code>[ab]</code> one of them.
    </p>
  </section>`
}

export const keysPage = (visit: Visit): Effect.Effect<Shown> =>
  Effect.suspend(() => {
    const shown = chosen(visit)
    if (shown === undefined) return Effect.succeed(noCache(visit))
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
            <th scope="row"><a href="${addressOf(visit.path, "key", { c: name, k: toParam(key) })}">${key}</a></th>
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

const contentOf = ({ content, size }: Entry): Html => {
  switch (content._tag) {
    case "TooLong":
      return html`<p class="note">The value is too long to be shown. It begins with these bytes, in hex:</p>
        <pre tabindex="0">${content.beginning}</pre>`
    case "Value": {
      const { reason, text } = content.form
      return html`${reason === undefined ? "" : html`<p class="note">${reason}</p>`}
        <pre tabindex="0" aria-label="Value">${text}</pre>`
    }
    case "Elements":
      return html`<p class="note">${content.rows.length} of ${size} elements.</p>
        ${table(
          "Elements",
          content.columns,
          content.rows.map(
            (row) =>
              html`<tr>
                ${row.map((cell, at) => html`<td data-label="${content.columns[at]}">${cell}</td>`)}
              </tr>`
          )
        )}`
  }
}

const timesOf = ({ content }: Entry, now: number): ReadonlyArray<Html> => {
  if (content._tag !== "Value") return []
  const { claimedUntil, format, isMarkedStale, timing } = content.form
  const left = timing === undefined ? 0 : timing.freshUntil - now
  return [
    figure("Format", format),
    ...(timing === undefined
      ? []
      : [figure("Fresh", left > 0 ? `for ${lifetime(left)}` : `no: stale since ${lifetime(-left)}`)]),
    ...(isMarkedStale ? [figure("Marked", "stale before its time")] : []),
    ...(claimedUntil === undefined
      ? []
      : [figure("Claim", claimedUntil > now ? "a process looks it up" : "it has ended")])
  ]
}

export const keyPage = (visit: Visit, hide: (key: string, cache: string) => boolean): Effect.Effect<Shown> =>
  Effect.suspend(() => {
    const shown = chosen(visit)
    if (shown === undefined) return Effect.succeed(noCache(visit))
    const { cache, name } = shown
    const { keyFunction, prefix, version } = cache.options
    const key = fromParam(visit.params.get("k") ?? "")
    const back = html`<p><a href="${addressOf(visit.path, "keys", { c: name })}">Keys of ${name}</a></p>`
    const framed = (title: string, body: Html, status: number): Shown => ({
      status,
      body: frame(visit, title, "keys", html`${back}${body}`)
    })
    // Only what is a key of this cache: locks, other prefixes and other versions are not.
    const isOurs =
      key !== undefined &&
      keyRefusal(key) === undefined &&
      keySpace(keyFunction, { prefix, version }, "*").userKey(cache.makeKey(key)) === key
    if (!isOurs) return Effect.succeed(framed("No key", trouble("The address names no key of this cache."), 404))
    return Effect.gen(function* () {
      const entry = yield* entryAt(cache.client, cache.makeKey(key))
      if (entry === undefined) return framed(key, trouble("There is no such key, or no longer."), 404)
      const now = yield* Clock.currentTimeMillis
      const size = entry.type === "string" ? inBytes(entry.size) : `${entry.size} elements`
      const content = hide(key, name) ? html`<p class="note">The value is not shown here.</p>` : contentOf(entry)
      return framed(
        key,
        html`<section aria-label="Entry">
          <dl>
            ${figure("Type", entry.type)}${figure("Size", size)}${figure("Lives", lifetime(entry.pttl))}${timesOf(entry, now)}
          </dl>
          ${content}
        </section>`,
        200
      )
    }).pipe(Effect.catch((error: CommandError) => Effect.succeed(framed(key, trouble(error.message), 503))))
  })
