/** Asks servers one after the other, impatiently, until one of them knows enough. */
import { PatientTimer, Timer } from "../Timer.ts"

/** A server that has not answered in this time is not waited for alone: the next one is asked beside it. */
const hedgeAfter = 100

/** When somebody has answered who knows less than others did, the others have so long to answer. */
const grace = 500

export interface Questioning<S, A> {
  readonly servers: ReadonlyArray<S>
  readonly ask: (server: S) => Promise<A>
  /** Whether nobody else need be asked after this answer. */
  readonly isEnough: (answer: A) => boolean
  /** Of two answers the one with the larger number is newer. */
  readonly epoch: (answer: A) => number
  /** In milliseconds, for all of it. */
  readonly timeout: number
  /** Why there is no answer: the failures of the servers, or undefined where they were silent. */
  readonly none: (failures: ReadonlyArray<unknown> | undefined) => Error
}

/** The newest of the answers that came until one was enough, or until there were no more to wait for. */
export const askInTurn = <S, A>({ ask, epoch, isEnough, none, servers, timeout }: Questioning<S, A>): Promise<A> =>
  new Promise((resolve, reject) => {
    const answers: Array<A> = []
    const failures: Array<unknown> = []
    let next = 0
    let isOver = false
    let hedge: Timer | undefined
    let patience: Timer | undefined
    const limit = new PatientTimer(timeout, () => settle(undefined))
    const finish = (end: () => void) => {
      isOver = true
      limit.stop()
      hedge?.cancel()
      patience?.cancel()
      end()
    }
    const settle = (why: ReadonlyArray<unknown> | undefined) => {
      const [newest] = answers.toSorted((a, b) => epoch(b) - epoch(a))
      finish(() => (newest === undefined ? reject(none(why)) : resolve(newest)))
    }
    const askNext = () => {
      hedge?.cancel()
      const server = servers[next++]
      if (isOver || server === undefined) return
      hedge = new Timer(hedgeAfter, askNext)
      ask(server).then(
        (answer) => {
          if (isOver) return
          answers.push(answer)
          if (isEnough(answer)) return settle(undefined)
          patience ??= new Timer(grace, () => settle(failures))
          goOn()
        },
        (error: unknown) => {
          failures.push(error)
          if (!isOver) goOn()
        }
      )
    }
    const goOn = () => (answers.length + failures.length === servers.length ? settle(failures) : askNext())
    askNext()
  })
