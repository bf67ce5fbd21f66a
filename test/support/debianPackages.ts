/** Programs out of Debian's packages, in a cache folder, without root and without touching the system. */
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

/** Returns the file of a program on the `PATH`. */
export const onPath = (name: string): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))

/** Returns the folder in which unpacked packages are kept from run to run. */
export const cacheFolder = (name: string): string => {
  const base = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache")
  try {
    mkdirSync(join(base, "effect-vcache"), { recursive: true })
    return join(base, "effect-vcache", name)
  } catch {
    return join(tmpdir(), "effect-vcache", name)
  }
}

export interface Download {
  /** Releases of Debian. Default: this system's, with its backports. */
  readonly suites?: ReadonlyArray<string>
  /** Finishes the folder before others see it. */
  readonly finish?: (root: string) => void
}

/** Unpacks packages into the folder, unless it is there by then. Throws if this system is not Debian, or if its mirror cannot be reached. */
export const downloadPackages = (
  target: string,
  wanted: ReadonlyArray<string>,
  { finish = () => {}, suites = ownSuites() }: Download = {}
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
