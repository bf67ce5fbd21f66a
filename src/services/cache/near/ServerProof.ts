/** How far one server's announcements are known to be complete. */
export class ServerProof {
  readonly server: string
  /** Whatever the server executed before this instant has been announced. */
  provenAt = -Infinity
  /** It announces nothing, or may not: what is kept may have changed. */
  isSuspended = false
  /** Entries whose changes it announces. */
  entries = 0

  constructor(server: string) {
    this.server = server
  }
}
