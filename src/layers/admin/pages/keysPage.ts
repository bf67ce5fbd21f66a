/** The keys of a cache. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { isKeyType, keyTypes } from "../../../schema/Command.ts"
import { type KeyFacts, keyFactsOf } from "../../inspection/keyFacts.ts"
import { inBytes, lifetime } from "../../inspection/words.ts"
import { cacheField } from "./cachePage.ts"
import { actionForm, dangerButton, selectField } from "../kernel/forms.ts"
import { frame, noCache, table, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { keyAddress, shortKey, spaceOf, toParam } from "./keyAddress.ts"
import { sample } from "./sample.ts"
import { addressOf, chosenCache, type Shown, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"

/** Keys of one page. */
export const most = 100

/** The user keys that match, only those of this cache, its prefix and its version. */
const found = (shown: ShownCache, pattern: string, type: string) => {
  const { match, userKey } = spaceOf(shown, pattern)
  return sample(shown.cache.client, { match, ...(isKeyType(type) ? { type } : {}) }, most, userKey)
}

const searchForm = (visit: Visit, name: string, pattern: string, type: string): Html =>
  html`<section aria-label="Search">
    <form method="get" action="${visit.path}/keys">
      ${cacheField(visit, name)}
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
      const { found: keys, gaveUp } = yield* found(shown, pattern, type)
      const facts = yield* keyFactsOf(
        cache.client,
        keys.map((key) => cache.makeKey(key))
      )
      const words = gaveUp
        ? `The search was given up after 3 seconds; it had found ${keys.length}.`
        : keys.length >= most
          ? `The first ${most} keys. There may be more: refine the pattern.`
          : `${keys.length} ${keys.length === 1 ? "key" : "keys"}.`
      return framed(
        html`<section aria-label="Results">
          <p role="status">${words}</p>
          ${keyTable(visit, shown, keys, facts)}
        </section>`
      )
    }).pipe(Effect.catch((error: CommandError) => Effect.succeed(framed(trouble(error.message), 503))))
  })

const columns = ["Key", "Type", "Lives", "Size", "Format"]

/** With a box before each key for those who may delete. */
const keyTable = (
  visit: Visit,
  shown: ShownCache,
  keys: ReadonlyArray<string>,
  facts: ReadonlyArray<KeyFacts | undefined>
): Html => {
  const chooses = visitorMay(visit, "delete", shown) && keys.length > 0
  const rows = keys.map((key, at) => keyRow(visit, shown, key, facts[at], chooses))
  return chooses
    ? actionForm(
        visit,
        addressOf(visit.path, "keys", { c: shown.name }),
        { action: "choose" },
        html`${table("Keys", ["Choose", ...columns], rows)}${dangerButton("Delete the chosen…")}`
      )
    : table("Keys", columns, rows)
}

const keyRow = (
  visit: Visit,
  { name }: ShownCache,
  key: string,
  facts: KeyFacts | undefined,
  chooses: boolean
): Html => {
  const box = html`<td class="forms">
    <input type="checkbox" name="k" value="${toParam(key)}" aria-label="${shortKey(key)}" />
  </td>`
  return html`<tr>
    ${chooses ? box : ""}
    <th scope="row"><a href="${keyAddress(visit, name, key)}">${shortKey(key)}</a></th>
    <td data-label="Type">${facts === undefined ? "gone" : (facts.type ?? "?")}</td>
    <td data-label="Lives">
      ${facts === undefined ? "no more" : facts.pttl === undefined ? "?" : lifetime(facts.pttl)}
    </td>
    <td data-label="Size">${sizeWords(facts)}</td>
    <td data-label="Format">${facts?.format || "-"}</td>
  </tr>`
}

const sizeWords = (facts: KeyFacts | undefined): string => {
  if (facts?.size === undefined) return facts === undefined ? "-" : "?"
  return facts.type === "string" ? inBytes(facts.size) : `${facts.size} elements`
}
