/** Why nothing was done, and with which status it is said. */
export class Refusal {
  readonly status: number
  readonly words: string

  constructor(status: number, words: string) {
    this.status = status
    this.words = words
  }
}
