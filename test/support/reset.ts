/** Ends a connection by a reset. One that is ending already cannot be reset any more: it would never close, nor the process end. */
import type { Socket } from "node:net"

export const reset = (socket: Socket): void => {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
