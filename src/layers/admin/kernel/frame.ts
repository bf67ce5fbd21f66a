/** The header, the navigation and the heading of every page. */
import { html, type Html } from "./Html.ts"
import { addressOf, type Shown, type Visit, visitorMay } from "./Visit.ts"

/** The pages of the navigation, in its order. */
const pages = {
  overview: "Overview",
  keys: "Keys",
  tags: "Tags",
  locks: "Locks",
  sessions: "Sessions",
  servers: "Servers",
  danger: "Danger"
} as const

export type PageName = keyof typeof pages

/** The messages after a change. The address holds only the name of one, so that a link cannot show a text of its author. */
const done: Readonly<Record<string, string>> = {
  saved: "Saved.",
  lives: "The lifetime was changed.",
  kept: "It does not expire now.",
  renamed: "Renamed. This is its new key.",
  deleted: "The key was deleted.",
  added: "The element was added.",
  removed: "The element was removed.",
  trimmed: "The other elements were removed.",
  acknowledged: "The entry was acknowledged.",
  claimed: "The entry was claimed.",
  invalidated: "The tag was invalidated.",
  released: "It was released.",
  ended: "The visitor was signed out.",
  allEnded: "Every session with the tag has ended.",
  cleared: "Its keys were deleted:",
  flushed: "The database was flushed."
}

const rightsOf = ({ visitor: { rights } }: Visit): string =>
  (["view", "edit", "delete", "flush"] as const).filter((right) => rights[right] === true).join(", ")

export const frame = (visit: Visit, title: string, current: PageName, body: Html): Html => {
  const { params, path, visitor } = visit
  const cache = params.get("c")
  const link = ([page, text]: readonly [string, string]) => {
    const address =
      page === "overview" ? (path === "" ? "/" : path) : addressOf(path, page, cache === null ? {} : { c: cache })
    return page === current
      ? html`<a href="${address}" aria-current="page">${text}</a>`
      : html`<a href="${address}">${text}</a>`
  }
  const doneWhat = params.get("done") ?? ""
  const words = Object.hasOwn(done, doneWhat) ? done[doneWhat] : undefined
  const count = /^\d{1,15}$/.exec(params.get("n") ?? "")?.[0] ?? ""
  const isFlusher = visit.caches.some((cache) => visitorMay(visit, "flush", cache))
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
          ${Object.entries(pages)
            .filter(([page]) => page !== "danger" || isFlusher)
            .map(link)}
        </nav>
        <span class="visitor">${visitor.name} may ${rightsOf(visit) || "view some"}</span>
      </header>
      <main id="content" tabindex="-1">
        <h1>${title}</h1>
        ${words === undefined ? "" : html`<p class="ok" role="status">✓ ${words} ${count}</p>`} ${body}
      </main>
    </body>
  </html> `
}

/** A failure, as a sentence for the visitor. */
export const trouble = (message: string): Html => html`<p class="problem" role="alert">✗ ${message}</p>`

export const noCache = (visit: Visit, current: PageName): Shown => ({
  status: 404,
  body: frame(visit, "No such cache", current, trouble("No cache of this name is shown here."))
})

/** One fact of a list of facts. */
export const figure = (term: string, words: string | Html): Html =>
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
