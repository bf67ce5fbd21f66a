/** Settings that are checked one by one; the error names the first field that is wrong. */
import { type Duration, type Redacted, Result } from "effect"
import { CacheInputError } from "./CacheError.ts"
import { checkEndpoint, type Endpoint } from "./connectionUrl.ts"
import { redacted, reveal } from "./reveal.ts"
import { toMillis } from "./timeToLive.ts"

/** Reads fields and remembers the first refusal. */
export class Fields {
  #refusal: string | undefined

  /** The value, or the first refusal. */
  result<A>(value: A): Result.Result<A, CacheInputError> {
    return this.#refusal === undefined
      ? Result.succeed(value)
      : Result.fail(new CacheInputError({ operation: "connect", reason: this.#refusal }))
  }

  require(condition: boolean, field: string, what: string): void {
    if (!condition) this.#refusal ??= `${field} ${what}`
  }

  millis(field: string, input: Duration.Input | undefined, byDefault: number): number {
    const millis = input === undefined ? byDefault : toMillis(input)
    this.require(millis !== undefined && millis > 0 && millis < Infinity, field, "must be a positive, finite duration")
    return millis ?? byDefault
  }

  integer(field: string, input: number | undefined, byDefault: number, least = 1): number {
    const value = input ?? byDefault
    this.require(Number.isSafeInteger(value) && value >= least, field, `must be a whole number, at least ${least}`)
    return value
  }

  text(field: string, input: string | undefined): string | undefined {
    this.require(input === undefined || (typeof input === "string" && input !== ""), field, "must not be empty")
    return input
  }

  secret(field: string, input: string | Redacted.Redacted | undefined): Redacted.Redacted | undefined {
    const secret = redacted(input)
    this.require(secret === undefined || reveal(secret) !== undefined, field, "was wiped")
    return secret
  }

  oneOf<A extends string>(field: string, input: A | undefined, choices: readonly [A, ...ReadonlyArray<A>]): A {
    const value = input ?? choices[0]
    this.require(choices.includes(value), field, `must be one of ${choices.join(", ")}`)
    return value
  }

  endpoints(
    field: string,
    input: ReadonlyArray<{ readonly host: string; readonly port?: number | undefined }> = [],
    defaultPort: number
  ): readonly [Endpoint, ...ReadonlyArray<Endpoint>] {
    const checked = input.map(({ host, port }) => checkEndpoint(host, port, defaultPort))
    const [first = { host: "", port: 0 }, ...more] = checked.filter((endpoint) => endpoint !== undefined)
    this.require(input.length > 0, field, "must list at least one server, or there must be a url")
    this.require(checked.every(Boolean), field, "must be hosts, with ports between 1 and 65535")
    return [first, ...more]
  }
}
