/** What a failed connection means, and what to do about it. */
import type { CommandError } from "../../schema/CacheError.ts"
import { type Judgement, problem } from "./Verdict.ts"

const meanings: Readonly<Record<string, string>> = {
  NOAUTH: "The server needs a password. Put it into the URL: valkey://:password@host, or valkey://user:password@host.",
  WRONGPASS: "The user or the password is wrong, or the user is disabled.",
  NOPERM: "The user lacks rights that every connection needs. See the rights of a user in docs/connections.md.",
  ECONNREFUSED: "Nothing listens at that address. Is the server running, and is the port right?",
  ENOTFOUND: "The name of the host is unknown to DNS.",
  EAI_AGAIN: "DNS does not answer.",
  ETIMEDOUT: "The host does not answer. A firewall may drop the packets.",
  EHOSTUNREACH: "There is no route to the host.",
  TLS_HANDSHAKE:
    "The server does not answer the TLS handshake: the port does not speak TLS. Use the scheme without the s at the end.",
  ERR_SSL_WRONG_VERSION_NUMBER: "The server does not speak TLS at that port. Use the scheme without the s at the end.",
  LOADING: "The server is loading its data. Wait until it has finished.",
  PROTOCOL: "The server that answers is not a Valkey server, or its port needs TLS. For TLS, use valkeys://."
}

/** Whether the server says that the user may not run the command. */
export const lacksRight = (error: CommandError): boolean => error._tag === "CacheServerError" && error.code === "NOPERM"

export const troubleOf = (error: CommandError): Judgement => {
  const code = "code" in error ? error.code : undefined
  const known = code === undefined ? undefined : meanings[code]
  const selfSigned = code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)
  const advice =
    known ??
    (selfSigned
      ? "The certificate of the server is not trusted: name its certificate authority in the parameter ca of the URL, or use the right host name."
      : "See docs/connections.md for what its failures mean.")
  return problem(`${error.message}.`, advice)
}
