/** Finds a Valkey server, or fetches Debian's into a cache folder, without root and without touching the system. */
import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { homedir, tmpdir } from "node:os"
import { delimiter, join } from "node:path"

export interface ValkeyBinary {
  readonly server: string
  /** Folder of shared libraries that the binary needs beside those of the system. */
  readonly libraries: string | undefined
}

export const noServer =
  "No Valkey server: set VALKEY_SERVER, or install one (Debian: apt install valkey-server, from backports in Debian 12; " +
  "Fedora: dnf install valkey; macOS: brew install valkey; Docker: docker run -p 6379:6379 valkey/valkey, then VALKEY_URL)."

/** `$VALKEY_SERVER`, a Valkey 8 on the path, the cache folder, the download, an older one on the path: the first that there is. */
export const findValkey = (): ValkeyBinary => {
  const known = knownValkey()
  if (known !== undefined) return known
  try {
    download(cacheFolder())
  } catch (error) {
    const [older] = onPath()
    if (older !== undefined) return { server: older, libraries: undefined }
    throw new Error(noServer, { cause: error })
  }
  return binaryIn(cacheFolder())
}

/** The first of them that is here already. */
export const knownValkey = (): ValkeyBinary | undefined => {
  const configured = process.env["VALKEY_SERVER"]
  if (configured !== undefined && configured !== "") {
    return { server: configured, libraries: process.env["VALKEY_SERVER_LIBRARIES"] }
  }
  const suitable = onPath().find(isOfThisAge)
  if (suitable !== undefined) return { server: suitable, libraries: undefined }
  const downloaded = binaryIn(cacheFolder())
  return existsSync(downloaded.server) ? downloaded : undefined
}

/** What tells `LocalValkey` of a server. */
export const environmentFor = ({ libraries, server }: ValkeyBinary): Readonly<Record<string, string>> => ({
  VALKEY_SERVER: server,
  ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries })
})

const onPath = (): ReadonlyArray<string> =>
  ["valkey-server", "redis-server"].flatMap((name) => {
    const folder = (process.env["PATH"] ?? "").split(delimiter).find((folder) => existsSync(join(folder, name)))
    return folder === undefined ? [] : [join(folder, name)]
  })

/** The memory store behaves as a Valkey of this age. */
const isOfThisAge = (server: string): boolean => ageOf(server) === 8

/** The major version of a Valkey; 0 for another server. */
const ageOf = (server: string): number =>
  Number(/^Valkey server v=(\d+)/.exec(execFileSync(server, ["--version"], { encoding: "utf8" }))?.[1] ?? 0)

const cacheFolder = (): string => {
  const base = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache")
  try {
    mkdirSync(join(base, "effect-vcache"), { recursive: true })
    return join(base, "effect-vcache", "valkey")
  } catch {
    return join(tmpdir(), "effect-vcache", "valkey")
  }
}

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
  const suitable = onPath().find((server) => ageOf(server) >= 9)
  if (suitable !== undefined) return { server: suitable, libraries: undefined }
  const target = `${cacheFolder()}-9`
  const server = join(target, "valkey-server")
  if (!existsSync(server)) {
    try {
      download(target, laterSuites, laterPackages, withOwnLoader)
    } catch (error) {
      throw new Error(noLaterServer, { cause: error })
    }
  }
  return { server, libraries: undefined }
}

/** This system's loader is older than the server. */
const withOwnLoader = (root: string): void => {
  const script = `#!/bin/sh
root=$(dirname "$0")
libraries=$(echo "$root"/usr/lib/*-linux-*)
exec "$libraries"/ld-linux-*.so.* --library-path "$libraries" "$root/usr/bin/valkey-server" "$@"
`
  writeFileSync(join(root, "valkey-server"), script, { mode: 0o755 })
}

const download = (
  target: string,
  suites: ReadonlyArray<string> = ownSuites(),
  wanted: ReadonlyArray<string> = packages,
  finish: (root: string) => void = () => {}
): void => {
  mkdirSync(join(target, ".."), { recursive: true })
  const work = mkdtempSync(join(target, "..", "download-"))
  try {
    const apt = (...args: ReadonlyArray<string>) =>
      execFileSync("apt-get", args, {
        cwd: work,
        env: { ...process.env, APT_CONFIG: join(work, "apt.conf") },
        stdio: "pipe"
      })
    for (const folder of ["lists/partial", "archives/partial"]) mkdirSync(join(work, folder), { recursive: true })
    writeFileSync(join(work, "sources.list"), sources(suites))
    writeFileSync(join(work, "apt.conf"), aptConfig(work))
    apt("update")
    apt("download", ...wanted)
    const root = join(work, "root")
    for (const file of readdirSync(work).filter((name) => name.endsWith(".deb"))) {
      execFileSync("dpkg-deb", ["-x", join(work, file), root], { stdio: "pipe" })
    }
    finish(root)
    // Another process may have been faster.
    if (!existsSync(target)) renameSync(root, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** A state of apt's own, with nothing of the system's but its keys and its way to the network. */
const aptConfig = (work: string): string => `
Dir::State "${work}";
Dir::State::lists "${work}/lists";
Dir::Cache "${work}";
Dir::Etc::sourcelist "${work}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Retries "3";
`

const ownSuites = (): ReadonlyArray<string> => {
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "bookworm"
  return [codename, `${codename}-backports`]
}

const sources = (suites: ReadonlyArray<string>): string => {
  const keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
  return suites.map((suite) => `deb [signed-by=${keys}] ${mirror()} ${suite} main\n`).join("")
}

/** The mirror that the system uses. */
const mirror = (): string => {
  const folder = "/etc/apt/sources.list.d"
  const files = [
    "/etc/apt/sources.list",
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])
  ]
  for (const file of files.filter((file) => existsSync(file))) {
    const uri = /https?:\/\/\S+\/debian\/?(?=\s|$)/m.exec(readFileSync(file, "utf8").replace(/^#.*$/gm, ""))
    if (uri !== null) return uri[0]
  }
  return "http://deb.debian.org/debian"
}
