/** What the sentinels know: who is the primary, who are its replicas, and when that changes. */
import { CacheConnectionError } from "../../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import { checkEndpoint, type Endpoint } from "../../../schema/connectionUrl.ts"
import type { SentinelSettings } from "../../../schema/SentinelOptions.ts"
import { translate } from "../../../schema/natMap.ts"
import { NoConnection } from "../ConnectionFailure.ts"
import { identify } from "../credentials.ts"
import { failureCode, isReplyError, isUnreachable, noneOf } from "../errors.ts"
import { Link, nodeName } from "../Link.ts"
import { type Listener, listen } from "../listen.ts"
import { PatientTimer, Timer } from "../Timer.ts"

export type SentinelOptions = Pick<SentinelSettings, "name" | "sentinels" | "sentinel" | "natMap"> & {
  readonly random: () => number
  /** The primary or its replicas are others than before, or may be. */
  readonly onChange: () => void
  /** This server is the primary no more. */
  readonly onReplaced: (old: Endpoint) => void
  /** This replica has been told to become the primary; undefined: it will not, or all know of it. */
  readonly onPromotion: (replica: Endpoint | undefined) => void
}

/** A sentinel answers in a few milliseconds, or there is no use in waiting for it. */
const answerTimeout = 500

/** After most have answered, the others have so long: one of them may know of a failover that these have yet to hear of. */
const grace = 100

/** A sentinel that is gone is listened to again after this. */
const relistenAfter = 1000

/** One that does not let us listen is asked again after this: its rights may change. */
const forbiddenAfter = 60_000

const replaced = "+switch-master"
const promoting = "+failover-state-wait-promotion"
const notPromoted = "-failover-abort-slave-timeout"
const changes = [
  replaced,
  promoting,
  notPromoted,
  "+promoted-slave",
  "+slave",
  "+sdown",
  "-sdown",
  "+convert-to-slave",
  "+slave-reconf-done"
]

interface Answer {
  readonly primary: Endpoint
  /** Grows with every failover. Zero where the sentinel does not let us ask. */
  readonly epoch: number
  /** The server itself, whatever its name is. */
  readonly runId: string | undefined
  readonly sentinels: ReadonlyArray<Endpoint>
}

export class Sentinels {
  readonly #options: SentinelOptions
  readonly #listeners = new Map<string, Listener>()
  readonly #timers = new Set<Timer>()
  /** Those that the ones we were told of have told us of. */
  #discovered: ReadonlyArray<Endpoint> = []
  /** What was last learnt, when that was asked for, and when it was answered. */
  #newest: { readonly answer: Answer; readonly askedAt: number; readonly answeredAt: number } | undefined
  #catchingUp: Timer | undefined
  /** The servers by their names, of which sentinels may use several. */
  readonly #runIds = new Map<string, string>()
  #closed = false

  constructor(options: SentinelOptions) {
    this.#options = options
  }

  /** Asks all of them; the one with the newest knowledge is right. */
  async primary(): Promise<Endpoint> {
    const settings = await this.#asking()
    const { endpoints, majority } = this.#all()
    const askedAt = performance.now()
    const answers = await gather(
      endpoints.map((endpoint) => this.#askPrimary(endpoint, settings)),
      majority
    )
    for (const { primary, runId } of answers) if (runId !== undefined) this.#runIds.set(nodeName(primary), runId)
    let newest = answers.toSorted((a, b) => b.epoch - a.epoch)[0]!
    // Somebody who asked at the same time may have been told of a failover that these had yet to hear of.
    const known = this.#newest
    if (known !== undefined && isNewer(known, { answer: newest, askedAt })) newest = known.answer
    else this.#newest = { answer: newest, askedAt, answeredAt: performance.now() }
    this.#discovered = newest.sentinels
    this.#listen()
    return newest.primary
  }

  /** The replicas that are up and have a link to the primary, by the first sentinel that answers. */
  async replicas(): Promise<ReadonlyArray<Endpoint>> {
    const settings = await this.#asking()
    const [replicas = []] = await gather(
      this.#all().endpoints.map((endpoint) => this.#askReplicas(endpoint, settings)),
      1,
      0
    )
    this.#listen()
    return replicas
  }

  /** Whether both are names of one server. */
  isSame(one: string, other: string): boolean {
    const runId = this.#runIds.get(one)
    return one === other || (runId !== undefined && runId === this.#runIds.get(other))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#catchingUp?.cancel()
    for (const timer of this.#timers) timer.cancel()
    await Promise.all([...this.#listeners.values()].map((listener) => listener.stop()))
  }

  #all(): { readonly endpoints: ReadonlyArray<Endpoint>; readonly majority: number } {
    const { sentinels } = this.#options
    const all = new Map([...sentinels, ...this.#discovered].map((endpoint) => [nodeName(endpoint), endpoint]))
    return { endpoints: [...all.values()], majority: Math.floor(sentinels.length / 2) + 1 }
  }

  /** Of the connections that are made for a question: who we are is asked once for all, and takes nothing from the time of an answer. */
  async #asking(): Promise<ConnectionSettings> {
    const { sentinel } = this.#options
    const { password, username } = await identify(sentinel)
    return { ...sentinel, credentials: undefined, username, password }
  }

  async #askPrimary(endpoint: Endpoint, settings: ConnectionSettings): Promise<Answer> {
    const { name } = this.#options
    const [primary, current, others] = await this.#ask(endpoint, settings, [
      ["MASTER", name],
      // In the middle of a failover it names the new primary first.
      ["GET-MASTER-ADDR-BY-NAME", name],
      ["SENTINELS", name]
    ])
    const fields = fieldsOf(primary)
    const epoch = fields === undefined ? 0 : Number(fields.get("config-epoch"))
    const address = Array.isArray(current) ? this.#endpoint(current[0], current[1]) : undefined
    if (address === undefined || !Number.isSafeInteger(epoch)) throw new NoConnection("PROTOCOL", "an unknown answer")
    // Until a failover is over, MASTER tells of the old primary.
    const told = this.#endpoint(fields?.get("ip"), fields?.get("port"))
    const isToldOf = told !== undefined && nodeName(told) === nodeName(address)
    const runId = (isToldOf && fields?.get("runid")) || undefined
    return { primary: address, epoch, runId, sentinels: this.#servers(others).map(({ endpoint }) => endpoint) }
  }

  async #askReplicas(endpoint: Endpoint, settings: ConnectionSettings): Promise<ReadonlyArray<Endpoint>> {
    const [replicas] = await this.#ask(endpoint, settings, [["REPLICAS", this.#options.name]])
    return this.#servers(replicas)
      .filter(
        ({ fields }) =>
          !/s_down|o_down|disconnected/.test(fields.get("flags") ?? "") && fields.get("master-link-status") === "ok"
      )
      .map(({ endpoint }) => endpoint)
  }

  /** Each question goes over a connection of its own: there are few. */
  async #ask(
    endpoint: Endpoint,
    settings: ConnectionSettings,
    questions: ReadonlyArray<ReadonlyArray<string>>
  ): Promise<ReadonlyArray<unknown>> {
    const { random } = this.#options
    const timeout = Math.min(answerTimeout, settings.connectTimeout)
    const link = new Link({ settings, address: endpoint, random })
    let timer: PatientTimer | undefined
    const tooLate = new Promise<never>((_, reject) => {
      timer = new PatientTimer(timeout, () =>
        reject(new NoConnection(link.awaits ?? "ETIMEDOUT", `no answer within ${timeout} ms`))
      )
    })
    const answers = new Promise<ReadonlyArray<unknown>>((resolve, reject) =>
      link.whenReady({
        operation: "SENTINEL",
        ready: (wire) =>
          Promise.all(
            questions.map((question) => {
              const answer = wire.ask("SENTINEL", ...question)
              return helpful.has(question[0]) ? answer.catch(unlessForbidden) : answer
            })
          ).then(resolve, reject),
        fail: reject
      })
    )
    try {
      return await Promise.race([answers, tooLate])
    } finally {
      timer?.stop()
      answers.catch(() => {})
      void link.end()
    }
  }

  /** Hears of changes from every sentinel that is known, so that it matters little which of them are gone. */
  #listen(): void {
    if (this.#closed) return
    const { endpoints } = this.#all()
    for (const [node, listener] of this.#listeners) {
      if (endpoints.some((endpoint) => nodeName(endpoint) === node)) continue
      this.#listeners.delete(node)
      void listener.stop()
    }
    for (const endpoint of endpoints) if (!this.#listeners.has(nodeName(endpoint))) this.#listenTo(endpoint)
  }

  #listenTo(endpoint: Endpoint): void {
    const { random, sentinel } = this.#options
    const listener = listen(
      sentinel,
      (options) => new Link({ ...options, settings: sentinel, address: endpoint, random }),
      { command: "SUBSCRIBE", channels: changes },
      {
        onReady: () => this.#catchUp(),
        onMessage: ({ channel, message }) => this.#onEvent(channel, message.split(" ")),
        onError: (error) => {
          const isForbidden = error._tag === "CacheServerError" && error.code === "NOPERM"
          void listener.stop()
          if (this.#closed || this.#listeners.get(nodeName(endpoint)) !== listener) return
          const timer = new Timer(isForbidden ? forbiddenAfter : relistenAfter, () => {
            this.#timers.delete(timer)
            if (this.#listeners.get(nodeName(endpoint)) === listener) this.#listenTo(endpoint)
          }).unref()
          this.#timers.add(timer)
        }
      }
    )
    this.#listeners.set(nodeName(endpoint), listener)
  }

  /** What was said before anybody listened is asked for, once for all sentinels that are listened to from now on. */
  #catchUp(): void {
    this.#catchingUp ??= new Timer(grace, () => {
      this.#catchingUp = undefined
      this.#options.onChange()
    }).unref()
  }

  #onEvent(event: string, words: ReadonlyArray<string | undefined>): void {
    const { name, onChange, onPromotion, onReplaced } = this.#options
    // `<name> <old host> <old port> …`, or `slave <its name> <host> <port> @ <name> …`.
    if (event === replaced ? words[0] !== name : !words.includes(name)) return
    if (event === promoting) return onPromotion(this.#endpoint(words[2], words[3]))
    if (event === notPromoted) onPromotion(undefined)
    if (event === replaced) {
      onPromotion(undefined)
      const old = this.#endpoint(words[1], words[2])
      if (old !== undefined) onReplaced(old)
    }
    onChange()
  }

  #servers(reply: unknown): ReadonlyArray<Server> {
    return (Array.isArray(reply) ? reply : []).flatMap((item: unknown) => {
      const fields = fieldsOf(item)
      const endpoint = this.#endpoint(fields?.get("ip"), fields?.get("port"))
      return fields === undefined || endpoint === undefined ? [] : [{ fields, endpoint }]
    })
  }

  /** What a sentinel says of a server's place, as it is from here. */
  #endpoint(host: unknown, port: unknown): Endpoint | undefined {
    const endpoint = checkEndpoint(host, Number(port), 0)
    return endpoint && translate(endpoint, this.#options.natMap)
  }
}

/** Whether what is known is newer than an answer: of a later failover, or asked for later where nobody tells of failovers. */
const isNewer = (
  known: { readonly answer: Answer; readonly askedAt: number; readonly answeredAt: number },
  { answer, askedAt }: { readonly answer: Answer; readonly askedAt: number }
): boolean =>
  known.answer.epoch === answer.epoch
    ? known.askedAt > askedAt
    : known.answer.epoch > answer.epoch && known.answeredAt >= askedAt

/** Questions that some do not let us ask; who names the primary is enough. */
const helpful: ReadonlySet<string | undefined> = new Set(["MASTER", "SENTINELS"])

const unlessForbidden = (error: unknown): undefined => {
  if (error instanceof Error && isReplyError(error) && error.message.startsWith("NOPERM")) return undefined
  throw error
}

/** Resolves a little after `enough` have resolved, or when all have settled; rejects when none has resolved. */
const gather = <A>(asked: ReadonlyArray<Promise<A>>, enough: number, patience = grace): Promise<ReadonlyArray<A>> =>
  new Promise((resolve, reject) => {
    const answers: Array<A> = []
    const errors: Array<unknown> = []
    let timer: Timer | undefined
    const settled = () => {
      if (answers.length + errors.length === asked.length) {
        timer?.cancel()
        if (answers.length > 0) resolve(answers)
        else reject(whyNone(errors))
      } else if (answers.length >= enough) {
        timer ??= new Timer(patience, () => resolve(answers))
      }
    }
    for (const promise of asked) {
      promise.then(
        (answer) => {
          answers.push(answer)
          settled()
        },
        (error: unknown) => {
          errors.push(error)
          settled()
        }
      )
    }
  })

/** What somebody has to repair, the most telling first. */
const repairs: ReadonlyMap<string, string> = new Map([
  ["WRONGPASS", "the sentinels refuse this client"],
  ["NOAUTH", "the sentinels refuse this client"],
  ["NOPERM", "the sentinels refuse this client"],
  ["NO_SUCH_MASTER", "the sentinels know no primary of this name"],
  ["NOT_A_SENTINEL", "the server that answers is not a sentinel"],
  ["PROTOCOL", "the server that answers is not a sentinel"],
  ["TLS_HANDSHAKE", "no sentinel answers the TLS handshake"]
])

const whyNone = (errors: ReadonlyArray<unknown>): NoConnection => {
  const codes = errors.map(codeOf)
  const known = [...repairs.keys()].find((code) => codes.includes(code))
  const repairable = known ?? codes.find((code) => isCode.test(code) && !isUnreachable(code))
  return noneOf(codes, repairable, repairs.get(repairable ?? "") ?? "no sentinel accepts this client", {
    code: "SENTINELS_UNREACHABLE",
    message: "no sentinel answers"
  })
}

/** Of a failure without one the phase is known, or nothing. */
const isCode = /^[A-Z]/

const codeOf = (error: unknown): string => {
  if (error instanceof Error && isReplyError(error)) {
    if (error.message.includes("No such master")) return "NO_SUCH_MASTER"
    if (error.message.includes("unknown command")) return "NOT_A_SENTINEL"
  }
  return failureCode(error) ?? (error instanceof CacheConnectionError ? error.phase : "unknown")
}

interface Server {
  readonly endpoint: Endpoint
  readonly fields: ReadonlyMap<string, string>
}

/** Names and values in turn. */
const fieldsOf = (reply: unknown): ReadonlyMap<string, string> | undefined => {
  if (!Array.isArray(reply)) return undefined
  const fields = new Map<string, string>()
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]))
  return fields
}
