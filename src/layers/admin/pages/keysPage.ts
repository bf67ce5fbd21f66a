/** The keys of a cache. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { keyTypes } from "../../../schema/Command.ts"
import { keyFactsOf } from "../../inspection/keyFacts.ts"
import { selectField } from "../kernel/forms.ts"
import { frame, noCache, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { chosenCache, type Shown, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"
import { cacheField } from "./cachePage.ts"
import { type FoundKey, foundBy, type KeySearch, searchAddress, searchIn } from "./keySearch.ts"
import { keyTable } from "./keyTable.ts"
import { type Found, missingServers } from "./search.ts"

export const keysPage = (visit: Visit): Effect.Effect<Shown> =>
  Effect.suspend(() => {
    const shown = chosenCache(visit)
    if (shown === undefined) return Effect.succeed(noCache(visit, "keys"))
    const wanted = searchIn(visit, shown)
    const framed = (results: Html, status = 200): Shown => ({
      status,
      body: frame(visit, `Keys of ${shown.name}`, "keys", html`${searchForm(visit, shown)}${results}`)
    })
    return typeof wanted === "string"
      ? Effect.succeed(framed(trouble(wanted), 400))
      : Effect.match(results(visit, shown, wanted), {
          onSuccess: (body) => framed(body),
          onFailure: ({ message }) => framed(trouble(message), 503)
        })
  })

const searchField = (label: string, name: string, value: string, hint: string): Html =>
  html`<label
    >${label}<input
      name="${name}"
      value="${value}"
      placeholder="${hint}"
      maxlength="4096"
      autocapitalize="off"
      autocomplete="off"
      spellcheck="false"
  /></label>`

const searchForm = (visit: Visit, { name }: ShownCache): Html => {
  const { params, path } = visit
  const given = (field: string) => params.get(field) ?? ""
  return html`<section aria-label="Search">
    <form method="get" action="${path}/keys">
      ${cacheField(visit, name)} ${searchField("Pattern", "pattern", given("pattern") || "*", "user:*")}
      ${selectField("Type", "type", [["", "any"], ...keyTypes.map((one) => [one, one] as const)], given("type"))}
      ${searchField("Tag", "tag", given("tag"), "any")}
      ${selectField(
        "Order",
        "order",
        [
          ["", "as they are found"],
          ["largest", "the largest first"]
        ],
        given("order")
      )}
      <button>Search</button>
    </form>
    <p class="note">
      The pattern is a glob: <code>*</code> any text, <code>?</code> one character, <code>[ab]</code> one of them.
    </p>
  </section>`
}

const results = (visit: Visit, shown: ShownCache, wanted: KeySearch): Effect.Effect<Html, CommandError> =>
  Effect.gen(function* () {
    const result = yield* foundBy(visit, shown, wanted)
    const keys = [...result.found.values()]
    const facts = yield* keyFactsOf(shown.cache.client, [...result.found.keys()])
    const allChosen = visit.params.get("all") === "1"
    return html`<section aria-label="Results">
      <div class="further">
        <p role="status">${words(wanted, result)}</p>
        ${
          visitorMay(visit, "delete", shown) && keys.length > 1 && !allChosen
            ? html`<p>
                <a href="${searchAddress(visit, shown, wanted, wanted.from, { all: "1" })}">Choose all of these</a>
              </p>`
            : ""
        }
      </div>
      ${missingServers(result.missing)}
      ${wanted.tag === "" ? "" : html`<p class="note">An invalidated value keeps its tags until its key expires.</p>`}
      ${keyTable(visit, shown, { keys, facts, allChosen })}
      ${
        result.next === undefined
          ? ""
          : html`<p class="further">
              <a href="${searchAddress(visit, shown, wanted, result.next)}">Look further</a>
            </p>`
      }
    </section>`
  })

const counted = (count: number): string => (count === 1 ? "1 key" : `${count.toLocaleString("en")} keys`)

/** Says how many keys were found, about how many were looked at, and whether there may be more. */
const words = (
  { from, largest }: KeySearch,
  { found, gaveUp, lookedAt, measured, next }: Found<FoundKey> & { readonly measured: number }
): string => {
  const looked = `About ${counted(lookedAt)} of the store were looked at.`
  const end = gaveUp
    ? `The search stopped after 3 seconds. ${looked}`
    : next === undefined
      ? from === undefined
        ? ""
        : "The search is over."
      : `There may be more. ${looked}`
  return largest
    ? `The largest of ${counted(measured)} that were measured. ${end}`
    : `${counted(found.size)}${from === undefined ? "" : " more"}. ${end}`
}
