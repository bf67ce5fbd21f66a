/** Deleting several keys at once: they are shown once more, and each is deleted only if it has not changed since then. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { editKey, editRefusal, markOf } from "../../editing/keyEdits.ts"
import { entryAt } from "../../inspection/Entry.ts"
import { actionForm, dangerButton } from "../kernel/forms.ts"
import { noCache, table, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { fromParam, keyAddress, ownKey, shortKey, toParam } from "./keyAddress.ts"
import { framedKey } from "./keyPage.ts"
import { most } from "./keysPage.ts"
import {
  addressOf,
  chosenCache,
  type Onward,
  type Shown,
  type ShownCache,
  type Visit,
  visitorMay
} from "../kernel/Visit.ts"

/** A key, and what was seen of it when it was shown once more. */
interface Chosen {
  readonly key: string
  readonly mark: string
}

export const keysAction = (visit: Visit, form: URLSearchParams): Effect.Effect<Shown | Onward> => {
  const shown = chosenCache(visit)
  if (shown === undefined) return Effect.succeed(noCache(visit, "keys"))
  const page = (title: string, body: Html, status: number): Shown => framedKey({ shown, visit }, title, body, status)
  const refused = (status: number, words: string) => Effect.succeed(page("Nothing was done", trouble(words), status))
  if (!visitorMay(visit, "delete", shown)) return refused(403, "You may not delete here.")
  const chosen = form.getAll("k").flatMap((text): ReadonlyArray<Chosen> => {
    const [param = "", mark = ""] = text.split(".")
    const key = ownKey(shown, fromParam(param).toString())
    return key === undefined ? [] : [{ key, mark }]
  })
  const action = form.get("action")
  if (action !== "choose" && action !== "deleteChosen") return refused(400, "There is no such action.")
  if (chosen.length === 0) return refused(422, "No key was chosen.")
  if (chosen.length > most) return refused(422, `At most ${most} keys are deleted at once.`)
  const done =
    action === "choose"
      ? Effect.map(confirmation(visit, shown, chosen), (body) => page("Delete these keys?", body, 200))
      : Effect.map(deletion(visit, shown, chosen), (body) => page("What became of them", body, 200))
  return Effect.catch(done, ({ message }) => refused(503, message))
}

const confirmation = (
  visit: Visit,
  shown: ShownCache,
  chosen: ReadonlyArray<Chosen>
): Effect.Effect<Html, CommandError> =>
  Effect.gen(function* () {
    const { cache } = shown
    const entries = yield* Effect.forEach(chosen, ({ key }) => entryAt(cache.client, cache.makeKey(key)), {
      concurrency: 10
    })
    const there = chosen.flatMap(({ key }, at) => {
      const entry = entries[at]
      return entry === undefined || editRefusal(entry, "Delete") !== undefined
        ? []
        : [{ key, mark: visit.seal(markOf(entry)) }]
    })
    if (there.length === 0) return trouble("None of them is there any more.")
    const items = there.map(
      ({ key, mark }) =>
        html`<li>${shortKey(key)}<input type="hidden" name="k" value="${`${toParam(key)}.${mark}`}" /></li>`
    )
    return html`<section aria-label="Keys to delete">
      ${actionForm(
        visit,
        addressOf(visit.path, "keys", { c: shown.name }),
        { action: "deleteChosen" },
        html`<ul>
            ${items}
          </ul>
          ${dangerButton(`Delete ${there.length === 1 ? "this key" : `these ${there.length} keys`}`)}`
      )}
    </section>`
  })

const words = {
  done: "✓ deleted",
  changed: "✗ changed meanwhile, and was not deleted",
  gone: "! was there no more"
} as const

/** What became of each key. A failure of one does not keep the others from being tried. */
const deletion = (visit: Visit, shown: ShownCache, chosen: ReadonlyArray<Chosen>): Effect.Effect<Html> =>
  Effect.gen(function* () {
    const { cache, name } = shown
    const outcomes = yield* Effect.forEach(
      chosen,
      ({ key, mark }) =>
        Effect.match(
          editKey(cache.client, cache.makeKey(key), (seen) => visit.seal(seen) === mark, { _tag: "Delete" }),
          {
            onSuccess: (outcome) => words[outcome],
            onFailure: ({ message }) => `✗ ${message}`
          }
        ),
      { concurrency: 10 }
    )
    const rows = chosen.map(
      ({ key }, at) =>
        html`<tr>
          <th scope="row"><a href="${keyAddress(visit, name, key)}">${shortKey(key)}</a></th>
          <td data-label="Outcome">${outcomes[at]}</td>
        </tr>`
    )
    return html`<section aria-label="Outcomes">
      <p role="status">
        ${outcomes.filter((outcome) => outcome === words.done).length} of ${chosen.length} were deleted.
      </p>
      ${table("Outcomes", ["Key", "Outcome"], rows)}
    </section>`
  })
