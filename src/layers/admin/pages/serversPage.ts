/** The servers of a cache: what each says of itself, in words, and the verdicts on it. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Topology } from "../../../schema/Command.ts"
import {
  type ConnectedClient,
  type ConnectedClients,
  clientsOf,
  memoryDoctorOf,
  type SlowCommand,
  slowCommandsOf
} from "../../inspection/serverLists.ts"
import type { Answers, Fields, ServerLook } from "../../inspection/serverLooks.ts"
import { serverWords } from "../../inspection/serverWords.ts"
import { verdictsOf } from "../../inspection/serverVerdicts.ts"
import type { SharedLooks } from "../../inspection/SharedLooks.ts"
import { lifetime } from "../../inspection/words.ts"
import { cachePage } from "./cachePage.ts"
import { figure, table, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { verdictTable } from "./verdicts.ts"
import type { Shown, Visit } from "../kernel/Visit.ts"

export const serversPage =
  (looks: SharedLooks) =>
  (visit: Visit): Effect.Effect<Shown> =>
    cachePage(visit, "servers", "Servers", ({ cache: { client } }) => {
      if (client.topology === "memory") {
        return Effect.succeed(html`<p class="note">The store is in the memory of this process: there is no server.</p>`)
      }
      return Effect.map(
        Effect.all(
          {
            servers: looks.recent(client),
            slow: slowCommandsOf(client),
            clients: clientsOf(client),
            memory: memoryDoctorOf(client)
          },
          { concurrency: "unbounded" }
        ),
        ({ servers, ...lists }) =>
          html`${[...servers].map(([server, look]) => serverSection(client.topology, server, look, lists))}`
      )
    })

interface Lists {
  readonly slow: Answers<ReadonlyArray<SlowCommand>>
  readonly clients: Answers<ConnectedClients>
  readonly memory: Answers<string>
}

/** Each part comes from a command of its own. If the user lacks the right to it, the part shows the failure, and the other parts stay. */
const serverSection = (topology: Topology, server: string, look: ServerLook, lists: Lists): Html => {
  const { info } = look
  const isAway = Result.isFailure(info) && info.failure._tag !== "CacheServerError"
  return html`<section aria-label="${server}">
    <h2>${server}</h2>
    ${
      isAway
        ? trouble(`It cannot be reached: ${info.failure.message}`)
        : html`${verdictTable(verdictsOf(topology, server, look), "of one server")}
          ${Result.isSuccess(info) ? infoWords(info.success) : trouble(info.failure.message)}
          ${part("Slow log", lists.slow.get(server), slowTable, (found) => String(found.length))}
          ${part("Clients", lists.clients.get(server), clientTable, clientCount)}
          ${part("What the server finds of its memory", lists.memory.get(server), (words) => html`<p>${words}</p>`)}
          ${Result.isSuccess(info) ? rawInfo(info.success) : ""}`
    }
  </section>`
}

const infoWords = (info: Fields): Html =>
  html`<div class="groups">
    ${serverWords(info).map(
      ({ about, facts }) =>
        html`<div>
          <h3>${about}</h3>
          <dl>${facts.map(([term, words]) => figure(term, words))}</dl>
        </div>`
    )}
  </div>`

const part = <A>(
  title: string,
  answer: Result.Result<A, CommandError> | undefined,
  body: (found: A) => Html,
  count: (found: A) => string = () => ""
): Html => {
  if (answer === undefined) return html``
  const number = Result.isSuccess(answer) ? count(answer.success) : ""
  return html`<details>
    <summary>${title}${number === "" ? "" : ` (${number})`}</summary>
    ${Result.isSuccess(answer) ? body(answer.success) : trouble(answer.failure.message)}
  </details>`
}

const rawInfo = (info: Fields): Html =>
  html`<details>
    <summary>INFO, as it is</summary>
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
  </details>`

const slowTable = (commands: ReadonlyArray<SlowCommand>): Html =>
  commands.length === 0
    ? html`<p class="note">No command was slow.</p>`
    : table(
        "The last slow commands, without their arguments",
        ["Command", "Took", "Arguments", "Client", "When"],
        commands.map(
          ({ at, client, command, size, took }) =>
            html`<tr>
              <th scope="row">${command}</th>
              <td data-label="Took">${took < 1 ? `${Math.round(1000 * took)} µs` : `${took.toFixed(1)} ms`}</td>
              <td data-label="Arguments">${size}</td>
              <td data-label="Client">${client}</td>
              <td data-label="When">${new Date(at).toISOString().replace(".000Z", "Z")}</td>
            </tr>`
        )
      )

const clientCount = ({ count, first }: ConnectedClients): string =>
  count > first.length ? `${count}, of which ${first.length} are shown` : String(count)

const clientTable = ({ first }: ConnectedClients): Html =>
  table(
    "Who is connected",
    ["Address", "Name", "User", "Connected for", "Idle for", "Last command"],
    first.map(clientRow)
  )

const clientRow = ({ address, age, command, idle, name, user }: ConnectedClient): Html =>
  html`<tr>
    <th scope="row">${address}</th>
    <td data-label="Name">${name}</td>
    <td data-label="User">${user}</td>
    <td data-label="Connected for">${lifetime(1000 * age)}</td>
    <td data-label="Idle for">${lifetime(1000 * idle)}</td>
    <td data-label="Last command">${command}</td>
  </tr>`
