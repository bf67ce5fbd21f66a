/** The forms that delete everything, for visitors with the right who type the confirmation. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { cacheAction, cachePage } from "./cachePage.ts"
import { actionForm, dangerButton, textField } from "../kernel/forms.ts"
import { trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { Refusal } from "./Refusal.ts"
import { addressOf, type Onward, type Shown, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"

interface Deletion {
  readonly title: string
  readonly words: (shown: ShownCache) => string
  /** The text that the visitor must type. */
  readonly confirmation: (shown: ShownCache) => string
  readonly run: (shown: ShownCache) => Effect.Effect<number | undefined, CommandError>
}

/** The prefix, or the name of a cache without a prefix. */
const prefixOf = ({ cache, name }: ShownCache): string => cache.options.prefix || name

const deletions: Readonly<Record<string, Deletion>> = {
  clear: {
    title: "Clear this version",
    words: ({ cache }) => `Every key of version ${cache.options.version} is deleted. Locks that are held stay.`,
    confirmation: prefixOf,
    run: ({ cache }) => cache.clear
  },
  clearAllVersions: {
    title: "Clear all versions",
    words: () =>
      "Every key of the prefix is deleted, also those that programs of other versions use. Locks that are held stay.",
    confirmation: (shown) => `${prefixOf(shown)} in all versions`,
    run: ({ cache }) => cache.clearAllVersions
  },
  flush: {
    title: "Flush the database",
    words: () =>
      "Everything in the database is deleted, also the data of other programs: other caches, held locks, sessions.",
    confirmation: () => "flush everything",
    run: ({ cache }) => Effect.as(cache.flushAll, undefined)
  }
}

export const dangerPage = (visit: Visit): Effect.Effect<Shown> =>
  cachePage(visit, "danger", "Danger", (shown) =>
    Effect.succeed(
      visitorMay(visit, "flush", shown)
        ? html`${Object.entries(deletions).map(([action, deletion]) => deletionForm(visit, shown, action, deletion))}`
        : trouble("You may not flush here.")
    )
  )

const deletionForm = (visit: Visit, shown: ShownCache, action: string, deletion: Deletion): Html => {
  const { confirmation, title, words } = deletion
  const typed = confirmation(shown)
  return html`<section aria-label="${title}">
    <h2>${title}</h2>
    <p>${words(shown)} Nothing brings it back.</p>
    ${actionForm(
      visit,
      addressOf(visit.path, "danger", { c: shown.name }),
      { action },
      html`${textField(`Type “${typed}”`, "typed")}${dangerButton(title)}`
    )}
  </section>`
}

export const dangerAction = (visit: Visit, form: URLSearchParams): Effect.Effect<Shown | Onward> =>
  cacheAction(visit, "danger", "flush", (shown) =>
    Effect.gen(function* () {
      const action = form.get("action") ?? ""
      const deletion = Object.hasOwn(deletions, action) ? deletions[action] : undefined
      if (deletion === undefined) return new Refusal(400, "There is no such action.")
      if (form.get("typed") !== deletion.confirmation(shown)) {
        return new Refusal(422, `Type “${deletion.confirmation(shown)}” to confirm it.`)
      }
      // A policy may hide an outage. The page would say that keys were deleted, although none was.
      yield* shown.cache.client.send("PING", [])
      const count = yield* deletion.run(shown)
      return count === undefined ? { done: "flushed" } : { done: "cleared", n: String(count) }
    })
  )
