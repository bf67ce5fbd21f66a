/** One key: what it holds, and the forms that change it. */
import { Clock, Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { KeyType } from "../../../schema/Command.ts"
import { editRefusal, markOf } from "../../editing/keyEdits.ts"
import type { Elements } from "../../inspection/elements.ts"
import { type Entry, entryAt } from "../../inspection/Entry.ts"
import { valueFacts } from "../../inspection/entryFacts.ts"
import { inBytes, lifetime } from "../../inspection/words.ts"
import { addForm, elementForms, trimForm } from "./elementForms.ts"
import { actionForm, button, dangerButton, textArea, textField } from "../kernel/forms.ts"
import { figure, frame, noCache, table, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { addressedKey, keyAddress, shortened, shortKey } from "./keyAddress.ts"
import { regionSchema } from "./regionSchema.ts"
import { streamGroups } from "./streamGroups.ts"
import { addressOf, chosenCache, type Shown, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"

/** A key of a cache that a request is about. */
export interface KeyVisit {
  readonly visit: Visit
  readonly shown: ShownCache
  readonly key: string
}

/** A page beneath the list of the cache's keys. */
export const framedKey = (
  { shown, visit }: Omit<KeyVisit, "key">,
  title: string,
  body: Html,
  status: number
): Shown => {
  const back = addressOf(visit.path, "keys", { c: shown.name })
  return {
    status,
    body: frame(
      visit,
      shortKey(title),
      "keys",
      html`<p><a href="${back}">Keys of ${shown.name}</a></p>
        ${
          shortKey(title) === title
            ? ""
            : html`<details>
                <summary>The whole key</summary>
                <pre tabindex="0">${title}</pre>
              </details>`
        }
        ${body}`
    )
  }
}

/** Answers with the key that the address names, or with a page that says that it names none. */
export const onKey = <A>(
  visit: Visit,
  use: (at: KeyVisit) => Effect.Effect<Shown | A, CommandError>
): Effect.Effect<Shown | A> =>
  Effect.suspend((): Effect.Effect<Shown | A> => {
    const shown = chosenCache(visit)
    if (shown === undefined) return Effect.succeed(noCache(visit, "keys"))
    const key = addressedKey(shown, visit)
    if (key === undefined) {
      return Effect.succeed(
        framedKey({ shown, visit }, "No key", trouble("The address names no key of this cache."), 404)
      )
    }
    const at = { visit, shown, key }
    return Effect.catch(use(at), (error) => Effect.succeed(framedKey(at, key, trouble(error.message), 503)))
  })

export const keyPage = (visit: Visit): Effect.Effect<Shown> =>
  onKey(visit, (at) =>
    Effect.gen(function* () {
      const entry = yield* entryAt(
        at.shown.cache.client,
        at.shown.cache.makeKey(at.key),
        visit.params.get("from") ?? "",
        regionSchema(at.shown, at.key)?.read
      )
      if (entry === undefined)
        return framedKey(at, at.key, trouble("The key does not exist, or does not exist any more."), 404)
      const isHidden = visit.hide(at.key, at.shown.name)
      const content = isHidden
        ? html`<section aria-label="Value"><p class="note">The value is not shown here.</p></section>`
        : contentOf(at, entry)
      const groups = entry.type === "stream" && !isHidden ? yield* streamGroups(at) : html``
      return framedKey(
        at,
        at.key,
        html`${yield* factsOf(at, entry, isHidden)}${content}${groups}${keyForms(at, entry)}`,
        200
      )
    })
  )

const factsOf = ({ shown, visit }: KeyVisit, entry: Entry, isHidden: boolean): Effect.Effect<Html> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const { content, pttl, size, type } = entry
    const form = content._tag === "Value" && !isHidden ? content.form : undefined
    const facts = form === undefined ? [] : valueFacts(form, now)
    const tagLinks = html`${form?.tags.map(
      (tag) => html`<a href="${addressOf(visit.path, "tags", { c: shown.name, tag })}">${tag}</a> `
    )}`
    return html`<section aria-label="Entry">
      <dl>
        ${figure("Type", type)} ${figure("Size", type === "string" ? inBytes(size) : `${size} elements`)}
        ${figure("Lives", lifetime(pttl))}
        ${facts.map(([term, words]) => figure(term, term === "Tags" ? tagLinks : words))}
      </dl>
    </section>`
  })

const contentOf = (at: KeyVisit, entry: Entry): Html => {
  const { content, size, type } = entry
  switch (content._tag) {
    case "TooLong":
      return html`<section aria-label="Value">
        <p class="note">The value is too long to show. It begins with these bytes, in hex:</p>
        <pre tabindex="0">${content.beginning}</pre>
      </section>`
    case "Value":
      return valueOf(at, entry, content.form.text, content.form.reason)
    case "Elements":
      return type === "string" || type === "unknown" ? html`` : elementsPage(at, type, content, size)
  }
}

const valueOf = (at: KeyVisit, entry: Entry, text: string, reason: string | undefined): Html => {
  const { shown, visit } = at
  const refusal = editRefusal(entry, "Value")
  const isEditor = visitorMay(visit, "edit", shown)
  const notes = [reason, isEditor ? refusal : undefined].flatMap((words) =>
    words === undefined ? [] : [html`<p class="note">${words}</p>`]
  )
  const value =
    isEditor && refusal === undefined
      ? actionForm(
          visit,
          keyAddress(visit, shown.name, at.key),
          { action: "value", mark: visit.seal(markOf(entry)) },
          html`${textArea("Value, as JSON", "json", text)}${button("Save if unchanged")}`
        )
      : html`<pre tabindex="0" aria-label="Value">${text}</pre>`
  return html`<section aria-label="Value">${notes}${value}</section>`
}

/** A hundred long elements would make a page that no browser shows. */
const shortCell = (text: string): string => shortened(text, 5000)

const elementsPage = (at: KeyVisit, type: Exclude<KeyType, "string">, content: Elements, size: number): Html => {
  const { key, shown, visit } = at
  const { columns, elements, next } = content
  const forms = elementForms(at, type)
  const rows = elements.map(
    (element) =>
      html`<tr>
        ${element.cells.map((cell, column) => html`<td data-label="${columns[column]}">${shortCell(cell)}</td>`)}
        ${forms === undefined ? "" : html`<td class="forms">${forms(element)}</td>`}
      </tr>`
  )
  const from = visit.params.get("from") ?? ""
  const further = [
    ...(from === "" ? [] : [html`<a href="${keyAddress(visit, shown.name, key)}">First page</a>`]),
    ...(next === undefined ? [] : [html`<a href="${keyAddress(visit, shown.name, key, { from: next })}">Next page</a>`])
  ]
  return html`<section aria-label="Elements">
    <p class="note">${elements.length} of ${size} elements.</p>
    ${table("Elements", forms === undefined ? columns : [...columns, "Change"], rows)}
    ${further.length === 0 ? "" : html`<p class="further">${further}</p>`}
    ${visitorMay(visit, "edit", shown) ? html`${addForm(at, type)}${trimForm(at, type, size)}` : ""}
  </section>`
}

/** What concerns the whole key. */
const keyForms = (at: KeyVisit, entry: Entry): Html => {
  const { key, shown, visit } = at
  const address = keyAddress(visit, shown.name, key)
  const mark = visit.seal(markOf(entry))
  const form = (action: string, fields: Html) => actionForm(visit, address, { action, mark }, fields)
  const isEditor = visitorMay(visit, "edit", shown)
  const forms = [
    ...(isEditor && editRefusal(entry, "Lifetime") === undefined
      ? [
          form(
            "lifetime",
            html`${textField("Lifetime", "lifetime", entry.pttl < 0 ? "" : lifetime(entry.pttl), "1h 30m")}${button("Change")}`
          ),
          ...(entry.pttl < 0 ? [] : [form("persist", button("Make permanent"))]),
          ...(visit.hide(key, shown.name)
            ? []
            : [form("rename", html`${textField("New key", "to", key)}${button("Rename")}`)])
        ]
      : []),
    ...(visitorMay(visit, "delete", shown) && editRefusal(entry, "Delete") === undefined
      ? [form("delete", dangerButton("Delete if unchanged"))]
      : [])
  ]
  return forms.length === 0 ? html`` : html`<section aria-label="Changes" class="actions">${forms}</section>`
}
