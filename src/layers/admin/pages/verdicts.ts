/** The verdicts of the doctor, on a page. */
import * as Doctor from "../../inspection/Doctor.ts"
import { table } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"

const marks = { ok: "✓", advice: "!", problem: "✗", unknown: "?" } as const

/** Whether the table has a column for the server. It needs none if all verdicts are about one server. */
type Columns = "with servers" | "of one server"

const verdictRow = ({ advice, check, finding, server, status }: Doctor.Verdict, columns: Columns): Html =>
  html`<tr>
    <th scope="row" class="${status}">${marks[status]} ${status}</th>
    <td data-label="Check">${check}</td>
    ${columns === "with servers" ? html`<td data-label="Server">${server ?? "client"}</td>` : ""}
    <td data-label="Finding">${finding}${advice === undefined ? "" : ` ${advice}`}</td>
  </tr>`

/** A summary in one sentence, which unfolds to the table of all verdicts. */
export const verdictTable = (verdicts: ReadonlyArray<Doctor.Verdict>, columns: Columns = "with servers"): Html =>
  html`<details>
    <summary class="${Doctor.worst(verdicts)}">${Doctor.summary(verdicts)}</summary>
    ${table(
      "Verdicts",
      ["Status", "Check", ...(columns === "with servers" ? ["Server"] : []), "Finding"],
      verdicts.map((verdict) => verdictRow(verdict, columns))
    )}
  </details>`
