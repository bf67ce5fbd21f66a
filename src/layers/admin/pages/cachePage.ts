/** What the pages about one cache have in common. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { AdminRight } from "../access/access.ts"
import { selectField } from "../kernel/forms.ts"
import { frame, noCache, type PageName, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { Refusal } from "./Refusal.ts"
import {
  addressOf,
  chosenCache,
  type Onward,
  type Shown,
  type ShownCache,
  type Visit,
  visitorMay
} from "../kernel/Visit.ts"

/** The field in which a cache is chosen. */
export const cacheField = ({ caches }: Visit, name: string): Html =>
  selectField(
    "Cache",
    "c",
    caches.map((cache) => [cache.name, cache.name]),
    name
  )

/** The form that chooses another cache; empty if there is only one. */
const picker = (visit: Visit, current: PageName, name: string): Html =>
  visit.caches.length < 2
    ? html``
    : html`<form method="get" action="${visit.path}/${current}">
        ${cacheField(visit, name)}
        <button>Show</button>
      </form>`

/** A page about the cache that the address names. */
export const cachePage = (
  visit: Visit,
  current: PageName,
  title: string,
  body: (shown: ShownCache) => Effect.Effect<Html, CommandError>
): Effect.Effect<Shown> => {
  const shown = chosenCache(visit)
  if (shown === undefined) return Effect.succeed(noCache(visit, current))
  const framed = (body: Html, status: number): Shown => ({
    status,
    body: frame(visit, `${title} of ${shown.name}`, current, html`${picker(visit, current, shown.name)}${body}`)
  })
  return Effect.match(body(shown), {
    onSuccess: (body) => framed(body, 200),
    onFailure: (error) => framed(trouble(error.message), 503)
  })
}

/** Runs the action of a form for a visitor with the right. `act` returns parameters for the address to which the visitor goes, or why nothing was done. */
export const cacheAction = (
  visit: Visit,
  current: PageName,
  right: AdminRight,
  act: (shown: ShownCache) => Effect.Effect<Refusal | Readonly<Record<string, string>>, CommandError>
): Effect.Effect<Shown | Onward> => {
  const shown = chosenCache(visit)
  if (shown === undefined) return Effect.succeed(noCache(visit, current))
  const address = (more: Readonly<Record<string, string>>) => addressOf(visit.path, current, { c: shown.name, ...more })
  const refused = (status: number, words: string): Shown => ({
    status,
    body: frame(
      visit,
      "Nothing was done",
      current,
      html`${trouble(words)}
        <p><a href="${address({})}">Back</a></p>`
    )
  })
  if (!visitorMay(visit, right, shown)) return Effect.succeed(refused(403, `You may not ${right} here.`))
  return Effect.match(act(shown), {
    onSuccess: (done): Shown | Onward =>
      done instanceof Refusal ? refused(done.status, done.words) : { address: address(done) },
    onFailure: ({ message }) => refused(503, message)
  })
}
