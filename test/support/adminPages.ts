/** A visitor of the admin pages who fills in their forms, as a browser does without scripts. */
import { assert } from "@effect/vitest"

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" }
const unescaped = (text: string): string => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => entities[name] ?? "")

const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
  return found === undefined ? undefined : unescaped(found)
}

export interface FoundForm {
  readonly address: string
  readonly fields: Readonly<Record<string, string>>
}

/** The forms of a page that change something. */
export const formsIn = (page: string): ReadonlyArray<FoundForm> =>
  [...page.matchAll(/<form method="post"[^>]*>[^]*?<\/form>/g)].map(([form]) => {
    const inputs = [...form.matchAll(/<input[^>]*>/g)].map(
      ([tag]) => [attribute(tag, "name") ?? "", attribute(tag, "value") ?? ""] as const
    )
    const areas = [...form.matchAll(/<textarea([^>]*)>\n?([^]*?)<\/textarea/g)].map(
      ([, tag = "", text = ""]) => [attribute(tag, "name") ?? "", unescaped(text)] as const
    )
    return { address: attribute(form, "action") ?? "", fields: Object.fromEntries([...inputs, ...areas]) }
  })

export const pageVisitor = (handler: (request: Request) => Promise<Response>, authorization: string) => {
  const ask = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    headers.set("authorization", authorization)
    return handler(new Request(`http://localhost${path}`, { ...init, headers }))
  }
  const send = (
    address: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {}
  ) => ask(address, { method: "POST", body: new URLSearchParams(fields), headers, redirect: "manual" })

  const form = (page: string, action: string, which: (form: FoundForm) => boolean = () => true): FoundForm => {
    const found = formsIn(page).find((form) => form.fields["action"] === action && which(form))
    assert.isDefined(found, `a form for ${action}`)
    return found ?? { address: "", fields: {} }
  }

  return {
    ask,
    send,
    /** Opens a page; the forms on it can be sent as they were then. */
    open: async (path: string) => {
      const page = await (await ask(path)).text()
      return {
        page,
        forms: formsIn(page),
        submit: (
          action: string,
          fields: Readonly<Record<string, string>> = {},
          which?: (form: FoundForm) => boolean
        ) => {
          const { address, fields: there } = form(page, action, which)
          return send(address, { ...there, ...fields })
        }
      }
    }
  }
}
