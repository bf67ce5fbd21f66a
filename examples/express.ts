/** Sessions of Express in a cache. `npm run example examples/express.ts`; needs the packages `express` and `express-session`. */
import { once } from "node:events"
import express from "express"
import session from "express-session"
import { CacheFromConfig } from "effect-vcache"
import { ExpressSessionStore } from "effect-vcache/express-session"

declare module "express-session" {
  interface SessionData {
    user: string
  }
}

const store = new ExpressSessionStore(CacheFromConfig.layer({ prefix: "express" }))
const app = express()
app.use(session({ store, secret: "32 bytes or more of a real secret", resave: false, saveUninitialized: false }))
app.get("/login/:user", (request, response) => {
  request.session.user = request.params.user
  response.send(`hello ${request.params.user}`)
})
app.get("/", (request, response) => void response.send(request.session.user ?? "nobody"))
app.get("/logout", (request, response) => void request.session.destroy(() => response.send("bye")))

const server = app.listen(0, "127.0.0.1")
await once(server, "listening")
const address = server.address()
const port = typeof address === "object" && address !== null ? address.port : 0

let cookie = ""
const visit = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie, connection: "close" } })
  cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie
  console.log(path, "-", await response.text())
}
for (const path of ["/", "/login/ada", "/", "/logout", "/"]) await visit(path)

server.close()
await store.close()

// Prints:
// / - nobody
// /login/ada - hello ada
// / - ada
// /logout - bye
// / - nobody
