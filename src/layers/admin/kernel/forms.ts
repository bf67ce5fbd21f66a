/** Forms that change something, and the fields of forms. */
import { exact, html, type Html } from "./Html.ts"
import type { Visit } from "./Visit.ts"

/** A form of one action. It sends the visible fields, the hidden ones and the token. */
export const actionForm = (
  { token }: Visit,
  address: string,
  hidden: Readonly<Record<string, string>>,
  fields: Html
): Html =>
  html`<form method="post" action="${address}">
    <input type="hidden" name="token" value="${token}" />
    ${Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${exact(value)}" />`)}
    ${fields}
  </form>`

/** A field of one line. */
export const textField = (label: string, name: string, value = "", hint = ""): Html =>
  html`<label
    >${label}<input
      name="${name}"
      value="${value}"
      placeholder="${hint}"
      maxlength="65536"
      autocapitalize="off"
      autocomplete="off"
      spellcheck="false"
      required
  /></label>`

/** A field of many lines. A line feed right behind the tag would be swallowed. */
export const textArea = (label: string, name: string, value: string): Html =>
  html`<label class="wide"
    >${label}<textarea name="${name}" rows="${Math.min(24, 1 + value.split("\n").length)}" spellcheck="false" required>
${value}</textarea>
  </label>`

export const selectField = (
  label: string,
  name: string,
  options: ReadonlyArray<readonly [value: string, words: string]>,
  current = ""
): Html =>
  html`<label
    >${label}<select name="${name}">
      ${options.map(([value, words]) =>
        value === current
          ? html`<option value="${exact(value)}" selected>${words}</option>`
          : html`<option value="${exact(value)}">${words}</option>`
      )}
    </select></label
  >`

export const button = (words: string): Html => html`<button>${words}</button>`

/** A button in a row of a table. `of` names the row for screen readers, which read the button without its row. */
export const dangerButton = (words: string, of = ""): Html =>
  html`<button class="danger">${words}${of === "" ? "" : html`<span class="hidden"> ${of}</span>`}</button>`
