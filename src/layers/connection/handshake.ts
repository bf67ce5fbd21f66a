/** What is said on a new connection before any command: who we are, which database, whether the server is ready. */
import type { WireArg } from "../../schema/Command.ts"
import type { Address, ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { isAnswerToPing, isNotOffered } from "../../schema/failures.ts"
import { authArguments, type Identity } from "./credentials.ts"
import { NoConnection } from "./ConnectionFailure.ts"
import { isReplyError } from "./errors.ts"
import { Question } from "./Question.ts"
import type { RawReply } from "./RawReply.ts"
import type { Wire } from "./Wire.ts"

/** What the topology wants of the server. */
export interface Greeting {
  /** The connection fails where the server has another role. A copy may be either, but has the data. */
  readonly role?: "primary" | "replica" | "copy" | undefined
  /** A cluster's replica answers reads only to those who say that old values will do. */
  readonly staleReads?: boolean | undefined
  /** What else has to be so, of the server at this address. */
  readonly also?: ((address: Address) => ReadonlyArray<Step>) | undefined
}

/** A question, and what its answer has to be. */
export interface Step {
  readonly name: string
  readonly args: ReadonlyArray<WireArg>
  /** Errors of the server that do not matter here. */
  readonly ignore?: (reply: string) => boolean
  /** What is wrong with the reply. */
  readonly check?: (reply: RawReply) => Error | undefined
}

export interface HandshakeOptions {
  readonly settings: ConnectionSettings
  readonly identity: Identity
  readonly address: Address
  readonly greeting: Greeting | undefined
}

/** Calls back once, with nothing or with what went wrong. All steps go out in one write. */
export const handshake = (wire: Wire, options: HandshakeOptions, done: (error?: Error) => void): void => {
  let failure: Error | undefined
  const all = steps(options)
  const { connectTimeout } = options.settings
  let open = all.length
  for (const { name, args, check, ignore } of all) {
    wire.write(
      new Question(name, args, connectTimeout, (error, reply) => {
        const wrong = error ?? check?.(reply)
        const harmless = wrong !== undefined && isReplyError(wrong) && ignore?.(wrong.message) === true
        // The first error is the cause, those after it its consequences.
        if (!harmless) failure ??= wrong
        if (--open === 0) done(failure)
      })
    )
  }
}

const steps = ({
  address,
  greeting: { also, role, staleReads } = {},
  identity,
  settings: { clientName, database }
}: HandshakeOptions): ReadonlyArray<Step> => [
  ...authSteps(authArguments(identity)),
  ...(database === 0 ? [] : [{ name: "SELECT", args: [String(database)] }]),
  ...(clientName === undefined ? [] : [{ name: "CLIENT", args: ["SETNAME", clientName], ignore: isNotOffered }]),
  ...(role === undefined ? [] : [{ name: "ROLE", args: [], ignore: isNotOffered, check: roleCheck(role) }]),
  ...(also?.(address) ?? []),
  ...(staleReads === true ? [{ name: "READONLY", args: [] }] : []),
  { name: "PING", args: [], ignore: isHarmless, check: isPong }
]

const authSteps = (args: ReadonlyArray<string> | undefined): ReadonlyArray<Step> =>
  args === undefined ? [] : [{ name: "AUTH", args, ignore: wantsNoPassword }]

/** A server without users takes everybody, and says so where one names himself. */
export const wantsNoPassword = (reply: string): boolean => reply.includes("without any password configured")

const isHarmless = (reply: string): boolean => isAnswerToPing(reply) || /^(?:MASTERDOWN|BUSY)/.test(reply)

const isPong = (reply: RawReply): Error | undefined =>
  reply === "PONG" ? undefined : new NoConnection("PROTOCOL", "PING is not answered with PONG")

const roleCheck =
  (wanted: NonNullable<Greeting["role"]>) =>
  (reply: RawReply): Error | undefined => {
    const [role, , , state] = Array.isArray(reply) ? reply : []
    switch (wanted) {
      case "primary":
        return role === "master" ? undefined : new NoConnection("NOT_PRIMARY", "the server is not a primary")
      case "replica":
        return role === "slave" ? undefined : new NoConnection("NOT_REPLICA", "the server is not a replica")
      case "copy":
        return role === "master" || state === "connected"
          ? undefined
          : new NoConnection("NOT_SYNCHRONISED", "the replica has no link to its primary")
    }
  }
