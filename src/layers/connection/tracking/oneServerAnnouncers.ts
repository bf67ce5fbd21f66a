/** Announcements of one server that has all keys, of both kinds. */
import type { Announcers } from "../../invalidations/ClientInvalidations.ts"
import { OneServerAnnouncer, type OneServerOptions } from "./OneServerAnnouncer.ts"

export interface OneServerAnnouncers {
  readonly announcers: Announcers
  /** The connection that reads take has changed. */
  readonly beat: () => void
}

export const oneServerAnnouncers = (options: Omit<OneServerOptions, "tracking">): OneServerAnnouncers => {
  const broadcast = new OneServerAnnouncer({ ...options, tracking: "broadcast" })
  const perKey = new OneServerAnnouncer({ ...options, tracking: "perKey" })
  return {
    announcers: { broadcast, perKey },
    beat: () => {
      broadcast.beat()
      perKey.beat()
    }
  }
}
