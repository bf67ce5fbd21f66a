/** What stands around every page. */
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import type { AdminVisitor } from "./access.ts"
import { html, type Html } from "./Html.ts"

/** A cache that is shown, and what it is called. */
export interface ShownCache {
  readonly name: string
  readonly cache: TypedCache<unknown>
}

/** What a page is made of. */
export interface Visit {
  /** Where the pages are mounted, without a slash at the end. */
  readonly path: string
  readonly visitor: AdminVisitor
  readonly caches: ReadonlyArray<ShownCache>
  readonly params: URLSearchParams
  /** The address is the path itself. */
  readonly isRoot: boolean
}

/** Keys are any text, and so never stand in the path. */
export const addressOf = (path: string, page: string, params: Readonly<Record<string, string>> = {}): string => {
  const query = new URLSearchParams(params).toString()
  return `${path}/${page}${query === "" ? "" : `?${query}`}`
}

export const frame = ({ path, visitor }: Visit, title: string, current: "overview" | "keys", body: Html): Html => {
  const link = (page: "overview" | "keys", address: string, text: string) =>
    page === current
      ? html`<a href="${address}" aria-current="page">${text}</a>`
      : html`<a href="${address}">${text}</a>`
  return html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${title} · effect-vcache</title>
      <link rel="stylesheet" href="${path}/admin.css" />
      <link rel="icon" href="data:," />
    </head>
    <body>
      <a class="skip" href="#content">Skip to the content</a>
      <header>
        <strong>effect-vcache</strong>
        <nav aria-label="Pages">
          ${link("overview", path === "" ? "/" : path, "Overview")}${link("keys", addressOf(path, "keys"), "Keys")}
        </nav>
        <span class="visitor">${visitor.name}, who may view</span>
      </header>
      <main id="content" tabindex="-1">
        <h1>${title}</h1>
        ${body}
      </main>
    </body>
  </html> `
}

/** A failure in words, for those who look and cannot help it. */
export const trouble = (message: string): Html => html`<p class="problem" role="alert">✗ ${message}</p>`

/** One fact of a list of facts. */
export const figure = (term: string, words: string): Html =>
  html`<div>
    <dt>${term}</dt>
    <dd>${words}</dd>
  </div>`

/** Rows under the names of their columns. */
export const table = (caption: string, columns: ReadonlyArray<string>, rows: ReadonlyArray<Html>): Html =>
  html`<table>
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        ${columns.map((name) => html`<th scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
