/** The forms that change elements of a structure. */
import { elementMark, isEditable } from "../../editing/elementEdits.ts"
import { type Element, elementForm, type StructureType } from "../../inspection/elements.ts"
import { actionForm, button, dangerButton, selectField, textArea, textField } from "../kernel/forms.ts"
import { html, type Html } from "../kernel/Html.ts"
import { keyAddress, shortKey, toParam } from "./keyAddress.ts"
import type { KeyVisit } from "./keyPage.ts"
import { visitorMay } from "../kernel/Visit.ts"

/** The largest element, in bytes, that can be changed here. Each form holds a copy, and longer ones would make the page too long. */
const longest = 16_384

const formOf = ({ key, shown, visit }: KeyVisit, hidden: Readonly<Record<string, string>>, fields: Html): Html =>
  actionForm(visit, keyAddress(visit, shown.name, key), hidden, fields)

/** The forms beside each element; undefined if the visitor may not edit. */
export const elementForms = (at: KeyVisit, type: StructureType): ((element: Element) => Html) | undefined =>
  visitorMay(at.visit, "edit", at.shown)
    ? (element) => {
        if (element.name.length > longest) return html`<span class="note">too long to be changed here</span>`
        const of = shortKey((type === "zset" ? element.cells[1] : element.cells[0]) ?? "")
        const hidden = { name: toParam(element.name), mark: elementMark(element) }
        const change = changeFields(type, element, of)
        return html`${
          change === undefined
            ? ""
            : html`<details>
                <summary>Edit<span class="hidden"> ${of}</span></summary>
                ${formOf(at, { action: type === "zset" ? "score" : "set", ...hidden }, change)}
              </details>`
        }
        ${formOf(at, { action: "remove", ...hidden }, dangerButton("Remove", of))}`
      }
    : undefined

const changeFields = (type: StructureType, element: Element, of: string): Html | undefined => {
  if (element.stored.length > longest || !isEditable(type, element)) return undefined
  if (type === "zset") return html`${textField(`Score of ${of}`, "score", element.cells[0])}${button("Save")}`
  const { text } = elementForm(element.stored)
  return html`${textArea(`Value of ${of}, as JSON`, "json", text)}${button("Save if unchanged")}`
}

const value = textField("Value, as JSON", "json", "", '"text"')
const additions: Readonly<Record<StructureType, Html>> = {
  list: html`${value}${selectField("Where", "first", [
    ["", "last"],
    ["1", "first"]
  ])}`,
  set: textField("Member, as JSON", "json", "", '"text"'),
  hash: html`${textField("Field", "field")}${value}`,
  zset: html`${textField("Member, as JSON", "json", "", '"text"')}${textField("Score", "score", "0")}`,
  stream: html`${textField("Field", "field")}${value}`
}

export const addForm = (at: KeyVisit, type: StructureType): Html =>
  formOf(at, { action: "add" }, html`${additions[type]}${button(type === "list" ? "Push" : "Add")}`)

/** The form that trims a list to its first elements, or a stream to its last. */
export const trimForm = (at: KeyVisit, type: StructureType, size: number): Html =>
  type === "list" || type === "stream"
    ? formOf(
        at,
        { action: "trim", size: String(size) },
        html`${textField(type === "list" ? "Keep the first" : "Keep the last", "keep", String(size))}${dangerButton("Trim")}`
      )
    : html``
