/** What the forms of a key do. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { isKeyType } from "../../../schema/Command.ts"
import type { Outcome } from "../../editing/compareAndSet.ts"
import { EditRefused } from "../../editing/EditRefused.ts"
import { editElement, type ElementEdit } from "../../editing/elementEdits.ts"
import { editKey, editRefusal, type KeyEdit, markOf } from "../../editing/keyEdits.ts"
import { editPending, type PendingEdit } from "../../editing/pendingEdits.ts"
import { type Entry, entryAt } from "../../inspection/Entry.ts"
import { millisIn } from "../../inspection/words.ts"
import type { AdminRight } from "../access/access.ts"
import { trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { fromParam, keyAddress, ownKey } from "./keyAddress.ts"
import { framedKey, type KeyVisit, onKey } from "./keyPage.ts"
import { regionSchema } from "./regionSchema.ts"
import { addressOf, type Onward, type Shown, type Visit, visitorMay } from "../kernel/Visit.ts"

/** What an action of a form does, the right that it needs, and where the visitor goes when it is done. */
interface Action {
  readonly right: AdminRight
  readonly run: (at: KeyVisit, form: URLSearchParams) => Effect.Effect<Outcome, CommandError | EditRefused>
  readonly onward: (at: KeyVisit, form: URLSearchParams) => string
}

const refuse = (reason: string) => Effect.fail(new EditRefused({ reason }))

const stay =
  (done: string): Action["onward"] =>
  ({ key, shown, visit }) =>
    keyAddress(visit, shown.name, key, { done })

const text = (form: URLSearchParams, name: string): string => form.get(name) ?? ""

const whole = (
  { key, shown, visit }: KeyVisit,
  form: URLSearchParams,
  edit: KeyEdit
): Effect.Effect<Outcome, CommandError | EditRefused> =>
  editKey(
    shown.cache.client,
    shown.cache.makeKey(key),
    (seen) => visit.seal(seen) === text(form, "mark"),
    edit,
    regionSchema(shown, key)
  )

const element = (
  { key, shown }: KeyVisit,
  edit: Effect.Effect<ElementEdit, EditRefused>
): Effect.Effect<Outcome, CommandError | EditRefused> =>
  Effect.gen(function* () {
    const final = shown.cache.makeKey(key)
    const type = String(yield* shown.cache.client.send("TYPE", [final]))
    if (type === "none") return "gone"
    if (!isKeyType(type) || type === "string") return "changed"
    return yield* editElement(shown.cache.client, final, type, yield* edit)
  })

const scoreIn = (form: URLSearchParams): Effect.Effect<number, EditRefused> => {
  const words = text(form, "score").trim()
  const score = /^[+-]?inf$/.test(words) ? Number(words.replace("inf", "Infinity")) : Number(words)
  return words === "" || Number.isNaN(score) ? refuse("The score is not a number.") : Effect.succeed(score)
}

const countIn = (form: URLSearchParams, name: string): Effect.Effect<number, EditRefused> => {
  const words = text(form, name).trim()
  return /^\d{1,15}$/.test(words) ? Effect.succeed(Number(words)) : refuse("The number is not valid.")
}

const seenElement = (form: URLSearchParams) => ({
  name: fromParam(form.get("name")),
  mark: text(form, "mark")
})

/** Checks that the key holds what the visitor saw, and then renames it without overwriting another key. A change between both steps moves with the key, so that nothing is lost. */
const rename = (
  { key, shown, visit }: KeyVisit,
  form: URLSearchParams
): Effect.Effect<Outcome, CommandError | EditRefused> =>
  Effect.gen(function* () {
    const { cache } = shown
    const to = ownKey(shown, text(form, "to"))
    if (to === undefined) return yield* refuse("This cannot be a key of this cache.")
    if (visit.hide(to, shown.name))
      return yield* refuse("Values under such a name are hidden here, so they cannot be created.")
    const entry = yield* entryAt(cache.client, cache.makeKey(key), "", regionSchema(shown, key)?.read)
    if (entry === undefined) return "gone"
    if (visit.seal(markOf(entry)) !== text(form, "mark")) return "changed"
    const reason = editRefusal(entry, "Rename")
    if (reason !== undefined) return yield* refuse(reason)
    const isFree = yield* Effect.catchTags(cache.rename(key, to, { overwrite: false }), {
      CacheMissError: () => Effect.succeed(undefined),
      CacheCodecError: ({ message }) => refuse(`${message}.`)
    })
    if (isFree === false) return yield* refuse("A key of that name exists already. It was not changed.")
    return isFree === undefined ? "gone" : "done"
  })

const pendingEdit = ({ key, shown }: KeyVisit, form: URLSearchParams, edit: PendingEdit) =>
  Effect.flatMap(countIn(form, "idle"), (idle) =>
    editPending(shown.cache.client, shown.cache.makeKey(key), edit, {
      group: fromParam(form.get("group")).toString(),
      id: fromParam(form.get("name")).toString(),
      consumer: text(form, "consumer"),
      idle
    })
  )

const actions: Readonly<Record<string, Action>> = {
  value: {
    right: "edit",
    run: (at, form) => whole(at, form, { _tag: "Value", json: text(form, "json") }),
    onward: stay("saved")
  },
  lifetime: {
    right: "edit",
    run: (at, form) => {
      const millis = millisIn(text(form, "lifetime"))
      return millis === undefined
        ? refuse("A lifetime is a number with a unit: 500ms, 90s, 4m 12s, 1h, 7d.")
        : whole(at, form, { _tag: "Lifetime", millis })
    },
    onward: stay("lives")
  },
  persist: { right: "edit", run: (at, form) => whole(at, form, { _tag: "Persist" }), onward: stay("kept") },
  rename: {
    right: "edit",
    run: rename,
    onward: ({ shown, visit }, form) => keyAddress(visit, shown.name, text(form, "to"), { done: "renamed" })
  },
  delete: {
    right: "delete",
    run: (at, form) => whole(at, form, { _tag: "Delete" }),
    onward: ({ shown, visit }) => addressOf(visit.path, "keys", { c: shown.name, done: "deleted" })
  },
  set: {
    right: "edit",
    run: (at, form) => element(at, Effect.succeed({ _tag: "Set", ...seenElement(form), json: text(form, "json") })),
    onward: stay("saved")
  },
  score: {
    right: "edit",
    run: (at, form) =>
      element(
        at,
        Effect.map(scoreIn(form), (score) => ({ _tag: "Score", ...seenElement(form), score }))
      ),
    onward: stay("saved")
  },
  remove: {
    right: "edit",
    run: (at, form) => element(at, Effect.succeed({ _tag: "Remove", ...seenElement(form) })),
    onward: stay("removed")
  },
  add: {
    right: "edit",
    run: (at, form) =>
      element(
        at,
        Effect.map(form.has("score") ? scoreIn(form) : Effect.succeed(0), (score) => ({
          _tag: "Add",
          json: text(form, "json"),
          field: text(form, "field"),
          first: form.get("first") === "1",
          score
        }))
      ),
    onward: stay("added")
  },
  trim: {
    right: "edit",
    run: (at, form) =>
      element(
        at,
        Effect.zipWith(countIn(form, "keep"), countIn(form, "size"), (keep, size) => ({ _tag: "Trim", keep, size }))
      ),
    onward: stay("trimmed")
  },
  acknowledge: {
    right: "edit",
    run: (at, form) => pendingEdit(at, form, { _tag: "Acknowledge" }),
    onward: stay("acknowledged")
  },
  claim: {
    right: "edit",
    run: (at, form) => pendingEdit(at, form, { _tag: "Claim", consumer: text(form, "to") }),
    onward: stay("claimed")
  }
}

export const keyAction = (visit: Visit, form: URLSearchParams): Effect.Effect<Shown | Onward> =>
  onKey<Onward>(visit, (at) => {
    const name = text(form, "action")
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action === undefined) return answered(at, 400, "There is no such action.", form)
    if (!visitorMay(visit, action.right, at.shown)) return answered(at, 403, `You may not ${action.right} here.`, form)
    if (changesWhatIsHidden(at, name))
      return answered(at, 403, "The value is hidden here, so it cannot be changed.", form)
    return Effect.matchEffect(action.run(at, form), {
      onSuccess: (outcome): Effect.Effect<Shown | Onward, CommandError> => {
        if (outcome === "done") return Effect.succeed({ address: action.onward(at, form) })
        return outcome === "gone"
          ? answered(at, 410, "The key is gone: it was deleted, or its lifetime has ended. Nothing was written.", form)
          : answered(at, 409, "It has changed since you opened it. Nothing was written.", form)
      },
      onFailure: (error) =>
        error._tag === "EditRefused"
          ? answered(at, 422, `${error.reason} Nothing was written.`, form)
          : Effect.fail(error)
    })
  })

/** A hidden value allows only changes that do not show it: of the lifetime, and deletion. A rename could show it under another name. */
const changesWhatIsHidden = ({ key, shown, visit }: KeyVisit, action: string): boolean =>
  visit.hide(key, shown.name) && !["lifetime", "persist", "delete"].includes(action)

/** A page that says why nothing was done, with what the visitor typed and what the key holds now. */
const answered = (
  at: KeyVisit,
  status: number,
  words: string,
  form: URLSearchParams
): Effect.Effect<Shown, CommandError> => {
  const { key, shown, visit } = at
  const again = keyAddress(visit, shown.name, key)
  const typed = form.get("json")
  const yours =
    typed === null
      ? html``
      : html`<div>
          <h2>Yours</h2>
          <pre tabindex="0">${typed}</pre>
        </div>`
  const page = (now: Html) =>
    framedKey(
      at,
      key,
      html`${trouble(words)}
        <section aria-label="Yours and what is there">
          <div class="beside">${yours}${now}</div>
          <p><a href="${again}">Open it as it is now</a></p>
        </section>`,
      status
    )
  if (status !== 409 || visit.hide(key, shown.name)) return Effect.succeed(page(html``))
  const now = entryAt(shown.cache.client, shown.cache.makeKey(key), "", regionSchema(shown, key)?.read)
  return Effect.map(now, (entry) => page(nowOf(entry)))
}

const nowOf = (entry: Entry | undefined): Html => {
  if (entry === undefined)
    return html`<div>
      <h2>Now</h2>
      <p class="note">There is no such key any more.</p>
    </div>`
  const { content, size, type } = entry
  const words = content._tag === "Value" ? content.form.text : `${type} of ${size}`
  return html`<div>
    <h2>Now</h2>
    <pre tabindex="0">${words}</pre>
  </div>`
}
