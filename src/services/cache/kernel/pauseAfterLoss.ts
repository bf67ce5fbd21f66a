/** Milliseconds before what a lost connection ended is tried again. */
export const pauseAfterLoss = 100
