/** One server takes every command. */
import type { Route } from "./Dispatcher.ts"
import type { ServerNode } from "./ServerNode.ts"

export const singleRoute = (server: ServerNode) =>
  ({
    server,
    link: server.link,
    get node() {
      return server.node
    },
    carry: (command) => server.carry(command),
    together: (_, write) => {
      server.together = true
      write()
      server.together = false
    },
    close: (limit) => server.close(limit)
  }) satisfies Route & { readonly server: ServerNode }
