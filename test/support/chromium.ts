/** Finds Chromium, or installs Debian's. */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { promisify } from "node:util"
import { Effect, type Scope } from "effect"
import { type Browser, chromium } from "playwright-core"

export const noBrowser =
  "No Chromium: set CHROMIUM to one, or install it (Debian: apt install chromium; Fedora: dnf install chromium; macOS: brew install chromium)."

const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/opt/homebrew/bin/chromium"
]

/** `$CHROMIUM`, the usual places, `apt-get install`: the first that there is. */
export const findChromium = async (): Promise<string> => {
  const configured = process.env["CHROMIUM"]
  if (configured !== undefined && configured !== "") return configured
  const found = places.find((place) => existsSync(place))
  if (found !== undefined) return found
  try {
    const patient = ["-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"]
    const apt = (...args: ReadonlyArray<string>) =>
      promisify(execFile)("apt-get", [...patient, ...args], {
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
        maxBuffer: 2 ** 26
      })
    await apt("update")
    await apt("install", "--yes", "--no-install-recommends", "chromium")
    return places[0]!
  } catch (error) {
    throw new Error(noBrowser, { cause: error })
  }
}

/** The browser does not look for servers outside, which are not there. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

export const launchChromium = async (): Promise<Browser> =>
  chromium.launch({ executablePath: await findChromium(), args: flags })

/** A browser that runs until the scope closes. */
export const startChromium: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(launchChromium),
  (browser) => Effect.promise(() => browser.close())
)
