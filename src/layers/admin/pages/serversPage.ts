/** The servers of a cache: what they say of themselves, in words, and what is to be said about it. */
import { Duration, Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { ValkeyClientShape } from "../../../services/ValkeyClient.ts"
import { clientsOf, type ConnectedClient, type SlowCommand, slowCommandsOf } from "../../inspection/serverLists.ts"
import { serverWords } from "../../inspection/serverWords.ts"
import { verdictsOn } from "../../inspection/serverVerdicts.ts"
import { lifetime } from "../../inspection/words.ts"
import { cachePage } from "./cachePage.ts"
import { figure, table, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { verdictTable } from "./verdicts.ts"
import type { Shown, Visit } from "../kernel/Visit.ts"

export const serversPage = (visit: Visit): Effect.Effect<Shown> =>
  cachePage(visit, "servers", "Servers", ({ cache: { client } }) => {
    if (client.topology === "memory") {
      return Effect.succeed(html`<p class="note">The store is in the memory of this process: there is no server.</p>`)
    }
    return Effect.gen(function* () {
      const servers = yield* client.info()
      const verdicts = yield* verdictsOn(client, servers)
      return html`<section aria-label="Verdicts">${verdictTable(verdicts)}</section>
        ${[...servers].map(serverSection)} ${yield* lists(client)}`
    })
  })

const serverSection = ([server, info]: readonly [string, ReadonlyMap<string, string>]): Html =>
  html`<section aria-label="${server}">
    <h2>${server}</h2>
    ${serverWords(info).map(
      ({ about, facts }) =>
        html`<h3>${about}</h3>
          <dl>${facts.map(([term, words]) => figure(term, words))}</dl>`
    )}
    <details>
      <summary>INFO of ${server}, as it is</summary>
      ${table(
        "INFO",
        ["Name", "Value"],
        [...info].map(
          ([name, value]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td data-label="Value">${value}</td>
            </tr>`
        )
      )}
    </details>
  </section>`

/** Where one server answers for all. Each part is there for whoever has the right to the command behind it. */
const lists = (client: ValkeyClientShape): Effect.Effect<Html> =>
  client.topology === "cluster" || client.topology === "ring"
    ? Effect.succeed(
        html`<p class="note">
          The slow log and the clients are left out: the commands behind them would be asked of one of the servers only.
        </p>`
      )
    : Effect.map(
        Effect.all([
          part("Slow log", slowCommandsOf(client), slowTable),
          part("Clients", clientsOf(client), clientTable)
        ]),
        (parts) => html`${parts}`
      )

const part = <A>(
  title: string,
  asked: Effect.Effect<ReadonlyArray<A>, CommandError>,
  body: (found: ReadonlyArray<A>) => Html
): Effect.Effect<Html> =>
  Effect.map(
    Effect.match(asked, {
      onSuccess: (found) => (found.length === 0 ? html`<p class="note">There is nothing in it.</p>` : body(found)),
      onFailure: ({ message }) => trouble(message)
    }),
    (content) =>
      html`<section aria-label="${title}">
        <h2>${title}</h2>
        ${content}
      </section>`
  )

const slowTable = (commands: ReadonlyArray<SlowCommand>): Html =>
  table(
    "The last slow commands, without their arguments",
    ["Command", "Took", "Arguments", "Client", "When"],
    commands.map(
      ({ at, client, command, size, took }) =>
        html`<tr>
          <th scope="row">${command}</th>
          <td data-label="Took">${Duration.toMillis(took).toFixed(1)} ms</td>
          <td data-label="Arguments">${size}</td>
          <td data-label="Client">${client}</td>
          <td data-label="When">${new Date(at).toISOString()}</td>
        </tr>`
    )
  )

const clientTable = (clients: ReadonlyArray<ConnectedClient>): Html =>
  table(
    "Who is connected",
    ["Address", "Name", "User", "Connected for", "Idle for", "Last command"],
    clients.map(
      ({ address, age, command, idle, name, user }) =>
        html`<tr>
          <th scope="row">${address}</th>
          <td data-label="Name">${name}</td>
          <td data-label="User">${user}</td>
          <td data-label="Connected for">${lifetime(1000 * age)}</td>
          <td data-label="Idle for">${lifetime(1000 * idle)}</td>
          <td data-label="Last command">${command}</td>
        </tr>`
    )
  )
