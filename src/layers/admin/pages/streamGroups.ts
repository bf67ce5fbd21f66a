/** The groups of a stream, what waits to be acknowledged in them, and the forms that acknowledge and claim it. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { groupsOf, type PendingEntry, type StreamGroup } from "../../inspection/streamGroups.ts"
import { lifetime } from "../../inspection/words.ts"
import { actionForm, button, textField } from "../kernel/forms.ts"
import { figure, table } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { keyAddress, toParam } from "./keyAddress.ts"
import type { KeyVisit } from "./keyPage.ts"
import { visitorMay } from "../kernel/Visit.ts"

export const streamGroups = (at: KeyVisit): Effect.Effect<Html, CommandError> =>
  Effect.map(groupsOf(at.shown.cache.client, at.shown.cache.makeKey(at.key)), (groups) =>
    groups.length === 0
      ? html``
      : html`<section aria-label="Groups">
          <h2>Groups</h2>
          ${groups.map((group) => groupPart(at, group))}
        </section>`
  )

const groupPart = (at: KeyVisit, group: StreamGroup): Html => {
  const { consumers, lastId, name, pending, pendingCount } = group
  const rows = pending.map(
    (entry) =>
      html`<tr>
        <th scope="row">${entry.id}</th>
        <td data-label="Consumer">${entry.consumer}</td>
        <td data-label="Idle for">${lifetime(entry.idle)}</td>
        <td data-label="Deliveries">${entry.deliveries}</td>
        <td class="forms">${entryForms(at, group, entry)}</td>
      </tr>`
  )
  return html`<h3>${name}</h3>
    <dl>
      ${figure("Consumers", String(consumers))} ${figure("Read up to", lastId)}
      ${figure("To be acknowledged", String(pendingCount))}
    </dl>
    ${
      rows.length === 0
        ? ""
        : table(
            `The first to be acknowledged in ${name}`,
            ["Entry", "Consumer", "Idle for", "Deliveries", "Change"],
            rows
          )
    }`
}

const entryForms = (at: KeyVisit, { name }: StreamGroup, { consumer, id, idle }: PendingEntry): Html => {
  const { key, shown, visit } = at
  if (!visitorMay(visit, "edit", shown)) return html`-`
  const form = (action: string, fields: Html) =>
    actionForm(
      visit,
      keyAddress(visit, shown.name, key),
      { action, group: toParam(name), name: toParam(id), consumer, idle: String(idle) },
      fields
    )
  return html`${form("acknowledge", html`<button>Acknowledge<span class="hidden"> ${id}</span></button>`)}
    <details>
      <summary>Claim<span class="hidden"> ${id}</span></summary>
      ${form("claim", html`${textField(`For the consumer, ${id}`, "to", consumer)}${button("Claim")}`)}
    </details>`
}
