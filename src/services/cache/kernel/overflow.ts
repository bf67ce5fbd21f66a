/** What scripts answer in place of an integer that JavaScript cannot hold. */
export const overflow = "OVERFLOW the result is beyond 2^53"
