/** Announcements of one server that has all keys, of both kinds, and the reads whose replies they cover. */
import type { Announcing } from "../client.ts"
import type { Dispatcher, Route } from "../Dispatcher.ts"
import { Link, type LinkOptions } from "../Link.ts"
import type { MachineTime } from "../MachineTime.ts"
import type { Primary } from "../Primary.ts"
import { OneServerAnnouncer } from "./OneServerAnnouncer.ts"
import { trackedOnOne } from "./tracked.ts"

export interface OneServerAnnouncers {
  readonly announcing: Announcing
  /** The connection that reads take has changed. */
  readonly beat: () => void
}

/** `toPrimary`: how the server is reached that the dispatcher's route has for its primary. */
export const oneServerAnnouncers = (
  dispatcher: Dispatcher<Route & { readonly primary: Primary }>,
  toPrimary: Omit<LinkOptions, "onLost" | "onState" | "isBusy">,
  time: MachineTime
): OneServerAnnouncers => {
  const { settings } = toPrimary
  const options = {
    openLink: (own: Pick<LinkOptions, "onState" | "settings">) => new Link({ ...toPrimary, ...own }),
    data: () => dispatcher.route.primary.server.link,
    settings,
    time
  }
  const broadcast = new OneServerAnnouncer({ ...options, tracking: "broadcast" })
  const perKey = new OneServerAnnouncer({ ...options, tracking: "perKey" })
  return {
    announcing: { announcers: { broadcast, perKey }, tracked: trackedOnOne(dispatcher, settings, time), time },
    beat: () => {
      broadcast.beat()
      perKey.beat()
    }
  }
}
