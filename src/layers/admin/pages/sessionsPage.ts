/** The sessions of a cache: their number, those of one user, and the forms that sign visitors out. The content of a session is never shown. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { escapeGlob } from "../../../schema/key.ts"
import { namesRefusal } from "../../../schema/TagStamp.ts"
import { tombstone } from "../../../services/cache/sessions/sessionScripts.ts"
import { replyOf } from "../../inspection/replies.ts"
import { lifetime } from "../../inspection/words.ts"
import { cacheAction, cachePage } from "./cachePage.ts"
import { actionForm, dangerButton, textField } from "../kernel/forms.ts"
import { table } from "../kernel/frame.ts"
import { exact, html, type Html } from "../kernel/Html.ts"
import { fromParam, spaceOf, toParam } from "./keyAddress.ts"
import { missingServers, search, taggedKeys } from "./search.ts"
import { Refusal } from "./Refusal.ts"
import { addressOf, type Onward, type Shown, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"

/** At most this many sessions are counted, and at most `most` of them are listed. */
const mostCounted = 10_000
const most = 100

/** The first six characters of the digest in the key, which tell sessions apart. Nobody can compute the id from the digest. */
const shortName = (key: string, prefix: string): string => key.slice(prefix.length, prefix.length + 6)

/** The stored name of a session's tag. The prefix tells it apart from the tags of values. */
const tagOf = ({ sessions }: Visit, tag: string): string => sessions + tag

export const sessionsPage = (visit: Visit): Effect.Effect<Shown> =>
  cachePage(visit, "sessions", "Sessions", (shown) =>
    Effect.gen(function* () {
      const tag = visit.params.get("tag") ?? ""
      const { found, gaveUp, missing, next } = yield* sessionsIn(visit, shown, tag)
      const listed = [...found.values()].slice(0, most)
      const rows = yield* rowsOf(visit, shown, listed)
      const count = `${next === undefined && missing.length === 0 ? "" : "At least "}${found.size.toLocaleString("en")} ${found.size === 1 ? "key" : "keys"}`
      const words =
        tag === ""
          ? `${count} of sessions, among them those of ids that were replaced a moment ago.`
          : found.size === 0
            ? "No session with this tag was found."
            : `${count} of sessions with the tag, among them those of sessions that a tag has ended.`
      // Sessions that were not read may have the tag, too.
      const some = found.size > 0 || next !== undefined || missing.length > 0
      return html`${searchForm(visit, shown, tag)}
        <section aria-label="Sessions">
          <p role="status">${words} ${gaveUp ? "The search stopped after 3 seconds." : ""}</p>
          ${missingServers(missing)} ${found.size > most ? html`<p class="note">The first ${most} are shown.</p>` : ""}
          ${rows.length === 0 ? "" : table("Sessions", ["Session", "Lives", "Sign out"], rows)}
          ${tag !== "" && some && visitorMay(visit, "delete", shown) ? signOutAllForm(visit, shown, tag) : ""}
        </section>`
    })
  )

const searchForm = ({ path }: Visit, { name }: ShownCache, tag: string): Html =>
  html`<section aria-label="Search">
    <form method="get" action="${path}/sessions">
      <input type="hidden" name="c" value="${exact(name)}" />
      ${textField("Tag of a user", "tag", tag)}<button>Show the sessions</button>
    </form>
    <p class="note">Sessions bear the tags that the option <code>tags</code> of their store gives them.</p>
  </section>`

/** The sessions with the tag, or all sessions if the tag is empty. */
const sessionsIn = (visit: Visit, shown: ShownCache, tag: string) => {
  const { client } = shown.cache
  const { match, userKey } = spaceOf(shown, `${escapeGlob(visit.sessions)}*`)
  const keep = taggedKeys(client, tag === "" ? "" : tagOf(visit, tag), userKey)
  return search(client, { match, type: "string", most: mostCounted }, keep)
}

const rowsOf = (
  visit: Visit,
  shown: ShownCache,
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Html>, CommandError> =>
  Effect.gen(function* () {
    const { cache } = shown
    const facts = yield* cache.client.pipeline(
      keys.flatMap((key) => [
        { name: "PTTL", args: [cache.makeKey(key)] },
        { name: "GETRANGE", args: [cache.makeKey(key), 0, tombstone.length] }
      ])
    )
    const live = yield* Effect.forEach(keys, (key) => isLive(shown, key), { concurrency: "unbounded" })
    return keys.flatMap((key, at) => {
      const [left, start] = facts.slice(2 * at, 2 * at + 2).map(replyOf)
      // It is a replaced id, which the store remembers for a while, or a session that a tag has ended.
      if (start === tombstone || left === -2 || live[at] === false) return []
      return [sessionRow(visit, shown, key, left === undefined ? "?" : lifetime(Number(left)))]
    })
  })

/** Whether none of its tags was invalidated. A session that cannot be read counts as live, because it can still be signed out. */
const isLive = ({ cache }: ShownCache, key: string): Effect.Effect<boolean> =>
  Effect.match(cache.tagsOf(key), {
    onSuccess: (tags) => tags._tag === "Some",
    onFailure: () => true
  })

const sessionRow = (visit: Visit, shown: ShownCache, key: string, lives: string): Html => {
  const name = shortName(key, visit.sessions)
  return html`<tr>
    <th scope="row">${name}…</th>
    <td data-label="Lives">${lives}</td>
    <td class="forms">
      ${
        visitorMay(visit, "delete", shown)
          ? actionForm(
              visit,
              addressOf(visit.path, "sessions", { c: shown.name }),
              { action: "signOut", k: toParam(key) },
              dangerButton("Sign out", name)
            )
          : "-"
      }
    </td>
  </tr>`
}

const signOutAllForm = (visit: Visit, shown: ShownCache, tag: string): Html =>
  actionForm(
    visit,
    addressOf(visit.path, "sessions", { c: shown.name }),
    { action: "signOutAll", tag },
    dangerButton("Sign out all with this tag", tag)
  )

export const sessionAction = (visit: Visit, form: URLSearchParams): Effect.Effect<Shown | Onward> =>
  cacheAction(visit, "sessions", "delete", ({ cache }) =>
    Effect.gen(function* () {
      const action = form.get("action")
      if (action === "signOutAll") {
        const tag = form.get("tag") ?? ""
        const name = tagOf(visit, tag)
        if (tag === "" || namesRefusal([name]) !== undefined) return new Refusal(422, "This is not a valid tag.")
        yield* cache.invalidateTags([name])
        return { tag, done: "allEnded" }
      }
      if (action !== "signOut") return new Refusal(400, "There is no such action.")
      const key = fromParam(form.get("k")).toString()
      if (!key.startsWith(visit.sessions) || key === visit.sessions) return new Refusal(404, "It is not a session.")
      const isEnded = yield* cache.session(key).destroy
      return isEnded ? { done: "ended" } : new Refusal(410, "The session does not exist any more.")
    })
  )
