/** Finds a Valkey server, or fetches Debian's into a cache folder, without root and without touching the system. */
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { cacheFolder, downloadPackages, onPath } from "./debianPackages.ts"

export interface ValkeyBinary {
  readonly server: string
  /** Folder of shared libraries that the binary needs beside those of the system. */
  readonly libraries: string | undefined
}

export const noServer =
  "No Valkey server: set VALKEY_SERVER, or install one (Debian: apt install valkey-server, from backports in Debian 12; " +
  "Fedora: dnf install valkey; macOS: brew install valkey; Docker: docker run -p 6379:6379 valkey/valkey, then VALKEY_URL)."

/** `$VALKEY_SERVER`, a Valkey 8 on the path, the cache folder, the download, an older one on the path: whichever is found first. */
export const findValkey = (): ValkeyBinary => {
  const known = knownValkey()
  if (known !== undefined) return known
  try {
    downloadPackages(cacheFolder("valkey"), packages)
  } catch (error) {
    const [older] = serversOnPath()
    if (older !== undefined) return { server: older, libraries: undefined }
    throw new Error(noServer, { cause: error })
  }
  return binaryIn(cacheFolder("valkey"))
}

/** Like `findValkey`, but without the download and without an older server. */
export const knownValkey = (): ValkeyBinary | undefined => {
  const configured = process.env["VALKEY_SERVER"]
  if (configured !== undefined && configured !== "") {
    return { server: configured, libraries: process.env["VALKEY_SERVER_LIBRARIES"] }
  }
  const suitable = serversOnPath().find(isOfThisAge)
  if (suitable !== undefined) return { server: suitable, libraries: undefined }
  const downloaded = binaryIn(cacheFolder("valkey"))
  return existsSync(downloaded.server) ? downloaded : undefined
}

/** The environment that tells `LocalValkey` of a server. */
export const environmentFor = ({ libraries, server }: ValkeyBinary): Readonly<Record<string, string>> => ({
  VALKEY_SERVER: server,
  ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries })
})

const serversOnPath = (): ReadonlyArray<string> =>
  ["valkey-server", "redis-server"].flatMap((name) => onPath(name) ?? [])

/** The memory store behaves as a Valkey of this age. */
const isOfThisAge = (server: string): boolean => ageOf(server) === 8

/** The major version of a Valkey; 0 for another server. */
const ageOf = (server: string): number =>
  Number(/^Valkey server v=(\d+)/.exec(execFileSync(server, ["--version"], { encoding: "utf8" }))?.[1] ?? 0)

const binaryIn = (folder: string): ValkeyBinary => ({
  server: join(folder, "usr/bin/valkey-server"),
  libraries: librariesIn(join(folder, "usr/lib"))
})

/** Debian keeps libraries in a folder named after the architecture. */
const librariesIn = (folder: string): string | undefined => {
  const name = existsSync(folder) ? readdirSync(folder).find((name) => name.includes("-linux-")) : undefined
  return name && join(folder, name)
}

const packages = ["valkey-server", "valkey-tools", "libjemalloc2", "liblzf1", "libatomic1"]

/** What Debian's next release links its server with, down to the loader. */
const laterPackages = [...packages, "libc6", "libgcc-s1", "libssl3t64", "libzstd1", "libsystemd0", "libcap2"]

/** The release of Debian that comes next always has this name. */
const laterSuites = ["testing"]

const noLaterServer =
  "No Valkey 9 for the tests of what only it has: set VALKEY9_SERVER, or install one. On Debian it is downloaded without root."

/** A server of a later age: `$VALKEY9_SERVER`, one on the path, the cache folder, the download. */
export const findLaterValkey = (): ValkeyBinary => {
  const configured = process.env["VALKEY9_SERVER"]
  if (configured !== undefined && configured !== "") return { server: configured, libraries: undefined }
  const suitable = serversOnPath().find((server) => ageOf(server) >= 9)
  if (suitable !== undefined) return { server: suitable, libraries: undefined }
  const target = cacheFolder("valkey-9")
  const server = join(target, "valkey-server")
  if (!existsSync(server)) {
    try {
      downloadPackages(target, laterPackages, { suites: laterSuites, finish: withOwnLoader })
    } catch (error) {
      throw new Error(noLaterServer, { cause: error })
    }
  }
  return { server, libraries: undefined }
}

/** The server needs a newer loader than this system has. */
const withOwnLoader = (root: string): void => {
  const script = `#!/bin/sh
root=$(dirname "$0")
libraries=$(echo "$root"/usr/lib/*-linux-*)
exec "$libraries"/ld-linux-*.so.* --library-path "$libraries" "$root/usr/bin/valkey-server" "$@"
`
  writeFileSync(join(root, "valkey-server"), script, { mode: 0o755 })
}
