/** The reason why nothing was done, and the status of the response. */
export class Refusal {
  readonly status: number
  readonly words: string

  constructor(status: number, words: string) {
    this.status = status
    this.words = words
  }
}
