/** A table of keys, with the facts about each. */
import type { KeyFacts } from "../../inspection/keyFacts.ts"
import { inBytes, lifetime } from "../../inspection/words.ts"
import { actionForm, dangerButton } from "../kernel/forms.ts"
import { table } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { addressOf, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"
import { keyAddress, shortKey, toParam } from "./keyAddress.ts"
import type { FoundKey } from "./keySearch.ts"

export interface KeyTableOptions {
  readonly keys: ReadonlyArray<FoundKey>
  /** The facts about each key, in the order of `keys`; undefined for a key that no longer exists. */
  readonly facts: ReadonlyArray<KeyFacts | undefined>
  /** Whether the checkbox of every key is checked at first. */
  readonly allChosen: boolean
}

/** The table of keys. Visitors with the right to delete get a checkbox before each key. */
export const keyTable = (visit: Visit, shown: ShownCache, { allChosen, facts, keys }: KeyTableOptions): Html => {
  if (keys.length === 0) return html``
  const chooses = visitorMay(visit, "delete", shown)
  const measured = keys.some(({ bytes }) => bytes !== undefined)
  const columns = ["Key", "Type", "Lives", "Size", ...(measured ? ["Memory"] : []), "Format"]
  const rows = keys.map((found, at) => {
    const box = chooses ? choice(found.key, allChosen) : html``
    return keyRow(visit, shown, found, facts[at], box)
  })
  return chooses
    ? actionForm(
        visit,
        addressOf(visit.path, "keys", { c: shown.name }),
        { action: "choose" },
        html`${table("Keys", ["Choose", ...columns], rows)}${dangerButton("Delete the chosen…")}`
      )
    : table("Keys", columns, rows)
}

const choice = (key: string, isChosen: boolean): Html => {
  const [value, label] = [toParam(key), shortKey(key)]
  const box = isChosen
    ? html`<input type="checkbox" name="k" value="${value}" aria-label="${label}" checked />`
    : html`<input type="checkbox" name="k" value="${value}" aria-label="${label}" />`
  return html`<td class="choice">${box}</td>`
}

const keyRow = (
  visit: Visit,
  { name }: ShownCache,
  { bytes, key }: FoundKey,
  facts: KeyFacts | undefined,
  box: Html
): Html =>
  html`<tr>
    ${box}
    <th scope="row"><a href="${keyAddress(visit, name, key)}">${shortKey(key)}</a></th>
    <td data-label="Type">${facts === undefined ? "gone" : (facts.type ?? "?")}</td>
    <td data-label="Lives">
      ${facts === undefined ? "no more" : facts.pttl === undefined ? "?" : lifetime(facts.pttl)}
    </td>
    <td data-label="Size">${sizeWords(facts)}</td>
    ${bytes === undefined ? "" : html`<td data-label="Memory">${inBytes(bytes)}</td>`}
    <td data-label="Format">${facts?.format || "-"}</td>
  </tr>`

const sizeWords = (facts: KeyFacts | undefined): string => {
  if (facts?.size === undefined) return facts === undefined ? "-" : "?"
  if (facts.type === "string") return inBytes(facts.size)
  return facts.size === 1 ? "1 element" : `${facts.size} elements`
}
