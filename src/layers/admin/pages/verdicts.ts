/** What the doctor says, on a page. */
import * as Doctor from "../../inspection/Doctor.ts"
import { table } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"

const marks = { ok: "✓", advice: "!", problem: "✗", unknown: "?" } as const

const verdictRow = ({ advice, check, finding, server, status }: Doctor.Verdict): Html =>
  html`<tr>
    <th scope="row" class="${status}">${marks[status]} ${status}</th>
    <td data-label="Check">${check}</td>
    <td data-label="Server">${server ?? "client"}</td>
    <td data-label="Finding">${finding}${advice === undefined ? "" : ` ${advice}`}</td>
  </tr>`

/** One sentence, and all that is behind it. */
export const verdictTable = (verdicts: ReadonlyArray<Doctor.Verdict>): Html =>
  html`<details>
    <summary>${Doctor.summary(verdicts)}</summary>
    ${table("Verdicts", ["Status", "Check", "Server", "Finding"], verdicts.map(verdictRow))}
  </details>`
