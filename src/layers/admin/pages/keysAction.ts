/** Deletes several keys at once. The visitor sees them once more, and each is deleted only if it has not changed since then. */
import { Effect } from "effect"
import { editKey, editRefusal, markOf } from "../../editing/keyEdits.ts"
import { entryAt } from "../../inspection/Entry.ts"
import { actionForm, dangerButton } from "../kernel/forms.ts"
import { noCache, table, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import {
  addressOf,
  chosenCache,
  type Onward,
  type Shown,
  type ShownCache,
  type Visit,
  visitorMay
} from "../kernel/Visit.ts"
import { inTime } from "./inTime.ts"
import { fromParam, keyAddress, ownKey, shortKey, toParam } from "./keyAddress.ts"
import { framedKey } from "./keyPage.ts"

/** At most this many keys are deleted at once. */
export const mostChosen = 1000

/** A key, with the mark of what it held when it was shown once more; the mark is empty before that. */
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
  const action = form.get("action")
  if (action !== "choose" && action !== "deleteChosen") return refused(400, "There is no such action.")
  const params = form.getAll("k")
  if (params.length > mostChosen) {
    return refused(422, `At most ${mostChosen.toLocaleString("en")} keys are deleted at once.`)
  }
  const chosen = params.flatMap((text): ReadonlyArray<Chosen> => {
    const [param = "", mark = ""] = text.split(".")
    const key = ownKey(shown, fromParam(param).toString())
    return key === undefined ? [] : [{ key, mark }]
  })
  if (chosen.length === 0) return refused(422, "No key was chosen.")
  return action === "choose"
    ? Effect.map(confirmation(visit, shown, chosen), (body) => page("Delete these keys?", body, 200))
    : Effect.map(deletion(visit, shown, chosen), (body) => page("What became of them", body, 200))
}

/** What is kept of a key that was read again. The value is not kept. */
type Again = "gone" | "unread" | { readonly mark: string }

const confirmation = (visit: Visit, shown: ShownCache, chosen: ReadonlyArray<Chosen>): Effect.Effect<Html> =>
  Effect.gen(function* () {
    const { cache } = shown
    const again = yield* inTime(chosen, ({ key }) =>
      Effect.match(entryAt(cache.client, cache.makeKey(key)), {
        onSuccess: (entry): Again => {
          if (entry === undefined) return "gone"
          return editRefusal(entry, "Delete") === undefined ? { mark: visit.seal(markOf(entry)) } : "unread"
        },
        onFailure: (): Again => "unread"
      })
    )
    const there = chosen.flatMap(({ key }, at) => {
      const seen = again[at]
      return typeof seen === "object" ? [{ key, mark: seen.mark }] : []
    })
    const unread = again.filter((seen) => seen === undefined || seen === "unread").length
    const left =
      unread === 0
        ? html``
        : trouble(
            `${unread === 1 ? "1 key could not be read, and stays" : `${unread} keys could not be read, and stay`}.`
          )
    if (there.length === 0) return unread === 0 ? trouble("None of them exists any more.") : left
    const items = there.map(
      ({ key, mark }) =>
        html`<li>${shortKey(key)}<input type="hidden" name="k" value="${`${toParam(key)}.${mark}`}" /></li>`
    )
    return html`${left}
      <section aria-label="Keys to delete">
        ${actionForm(
          visit,
          addressOf(visit.path, "keys", { c: shown.name }),
          { action: "deleteChosen" },
          html`<ul class="chosen">
              ${items}
            </ul>
            ${dangerButton(`Delete ${there.length === 1 ? "this key" : `these ${there.length} keys`}`)}`
        )}
      </section>`
  })

const words = {
  done: "✓ deleted",
  changed: "✗ changed meanwhile, and was not deleted",
  gone: "! was there no more",
  late: "✗ was not tried: the time was over"
} as const

/** Deletes the keys and says what became of each. If one fails, the others are still tried. */
const deletion = (visit: Visit, shown: ShownCache, chosen: ReadonlyArray<Chosen>): Effect.Effect<Html> =>
  Effect.gen(function* () {
    const { cache, name } = shown
    const outcomes = yield* inTime(chosen, ({ key, mark }) =>
      Effect.match(
        editKey(cache.client, cache.makeKey(key), (seen) => visit.seal(seen) === mark, { _tag: "Delete" }),
        {
          onSuccess: (outcome): string => words[outcome],
          onFailure: ({ message }) => `✗ ${message}`
        }
      )
    )
    const rows = chosen.map(
      ({ key }, at) =>
        html`<tr>
          <th scope="row"><a href="${keyAddress(visit, name, key)}">${shortKey(key)}</a></th>
          <td data-label="Outcome">${outcomes[at] ?? words.late}</td>
        </tr>`
    )
    return html`<section aria-label="Outcomes">
      <p role="status">
        ${outcomes.filter((outcome) => outcome === words.done).length} of ${chosen.length} were deleted.
      </p>
      ${table("Outcomes", ["Key", "Outcome"], rows)}
    </section>`
  })
