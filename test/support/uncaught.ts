/** The next error that nobody catches, in place of whoever else would be told of it. */
export const uncaught = (): Promise<unknown> =>
  new Promise((resolve) => {
    const others = process.listeners("uncaughtException")
    process.removeAllListeners("uncaughtException")
    process.once("uncaughtException", (error) => {
      for (const other of others) process.on("uncaughtException", other)
      resolve(error)
    })
  })
