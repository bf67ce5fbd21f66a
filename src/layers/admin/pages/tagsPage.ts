/** The tags of a cache, the values with one tag, and the form that invalidates it. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { namesRefusal } from "../../../schema/TagStamp.ts"
import { tagsAt } from "../../inspection/tagsAt.ts"
import { cacheAction, cachePage } from "./cachePage.ts"
import { actionForm, dangerButton, selectField, textField } from "../kernel/forms.ts"
import { table } from "../kernel/frame.ts"
import { exact, html, type Html } from "../kernel/Html.ts"
import { keyAddress, shortKey, spaceOf } from "./keyAddress.ts"
import { missingServers, sample } from "./search.ts"
import { Refusal } from "./Refusal.ts"
import { addressOf, type Onward, type Shown, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"

/** At most this many values are read for their tags. */
const sampleSize = 2000
/** At most this many tags, or keys of one tag, are listed. */
const most = 100

interface Bearer {
  readonly key: string
  readonly tags: ReadonlyArray<string>
}

const bearersIn = ({ hide }: Visit, shown: ShownCache) =>
  Effect.gen(function* () {
    const { cache, name } = shown
    const { match, userKey } = spaceOf(shown)
    const options = { match, type: "string", most: sampleSize } as const
    const { found, isAll, missing } = yield* sample(cache.client, options, userKey)
    const tags = yield* tagsAt(
      cache.client,
      found.map((key) => cache.makeKey(key))
    )
    // The tags of a hidden value are hidden, too.
    const bearers = found.map((key, at): Bearer => ({ key, tags: hide(key, name) ? [] : (tags[at] ?? []) }))
    return { isAll, missing, bearers }
  })

const countsOf = (bearers: ReadonlyArray<Bearer>): ReadonlyArray<readonly [tag: string, count: number]> => {
  const counts = new Map<string, number>()
  for (const tag of bearers.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])
}

export const tagsPage = (visit: Visit): Effect.Effect<Shown> =>
  cachePage(visit, "tags", "Tags", (shown) =>
    Effect.map(bearersIn(visit, shown), ({ bearers, isAll, missing }) => {
      const tag = visit.params.get("tag") ?? ""
      const looked = `${bearers.length === 1 ? "1 value was" : `${bearers.length.toLocaleString("en")} values were`} looked at${isAll && missing.length === 0 ? ", which are all" : isAll ? "" : ", and there are more"}.`
      return html`${searchForm(visit, shown, tag)} ${missingServers(missing)}
      ${tag === "" ? allTags(visit, shown, bearers, looked) : oneTag(visit, shown, tag, bearers, looked)}`
    })
  )

const searchForm = ({ path }: Visit, { name }: ShownCache, tag: string): Html =>
  html`<section aria-label="Search">
    <form method="get" action="${path}/tags">
      <input type="hidden" name="c" value="${exact(name)}" />
      ${textField("Tag", "tag", tag)}<button>What bears it?</button>
    </form>
  </section>`

const allTags = ({ path }: Visit, { name }: ShownCache, bearers: ReadonlyArray<Bearer>, looked: string): Html => {
  const rows = countsOf(bearers)
    .slice(0, most)
    .map(
      ([tag, count]) =>
        html`<tr>
          <th scope="row"><a href="${addressOf(path, "tags", { c: name, tag })}">${tag}</a></th>
          <td data-label="Values">${count}</td>
        </tr>`
    )
  return html`<section aria-label="Results">
    <p role="status">${looked} ${rows.length === 0 ? "None of them has a tag." : ""}</p>
    ${rows.length === 0 ? "" : table("Tags", ["Tag", "Values"], rows)}
  </section>`
}

const oneTag = (visit: Visit, shown: ShownCache, tag: string, bearers: ReadonlyArray<Bearer>, looked: string): Html => {
  const bearing = bearers.filter(({ tags }) => tags.includes(tag))
  const rows = bearing.slice(0, most).map(
    ({ key, tags }) =>
      html`<tr>
        <th scope="row"><a href="${keyAddress(visit, shown.name, key)}">${shortKey(key)}</a></th>
        <td data-label="Tags">${tags.join(", ")}</td>
      </tr>`
  )
  const invalidate = visitorMay(visit, "delete", shown)
    ? actionForm(
        visit,
        addressOf(visit.path, "tags", { c: shown.name }),
        { action: "invalidate", tag },
        html`${selectField("Values that bear it", "mode", [
          ["remove", "are forgotten"],
          ["stale", "are served while they are looked up"]
        ])}${dangerButton("Invalidate", tag)}`
      )
    : html``
  return html`<section aria-label="Results">
    <p role="status">${bearing.length} of them ${bearing.length === 1 ? "bears" : "bear"} it: ${looked}</p>
    <p class="note">An invalidated value keeps its tags until its key expires.</p>
    ${rows.length === 0 ? "" : table(`Values with ${tag}`, ["Key", "Tags"], rows)} ${invalidate}
  </section>`
}

export const tagAction = (visit: Visit, form: URLSearchParams): Effect.Effect<Shown | Onward> =>
  cacheAction(
    visit,
    "tags",
    "delete",
    ({ cache }): Effect.Effect<Refusal | Readonly<Record<string, string>>, CommandError> => {
      const tag = form.get("tag") ?? ""
      const mode = form.get("mode")
      if (form.get("action") !== "invalidate") return Effect.succeed(new Refusal(400, "There is no such action."))
      if (namesRefusal([tag]) !== undefined || (mode !== "remove" && mode !== "stale")) {
        return Effect.succeed(new Refusal(422, "The tag or the way to invalidate it is not valid."))
      }
      return Effect.as(cache.invalidateTags([tag], { mode }), { tag, done: "invalidated" })
    }
  )
