/** A certificate authority, and what it signs, made with openssl for one run. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

export interface Certificates {
  readonly caFile: string
  readonly ca: string
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: Certificate
  /** For localhost by name only. */
  readonly named: Certificate
  readonly client: Certificate
  readonly expired: Certificate
  /** For another name. */
  readonly stranger: Certificate
  /** An authority that signed none of these. */
  readonly otherCa: string
}

/** What a server shows, and whom it trusts. */
export interface TlsSetup {
  readonly certificates: Certificates
  readonly certificate: Certificate
}

const subjects = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"

export const makeCertificates: Effect.Effect<Certificates, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vcache-tls-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
).pipe(
  Effect.map((folder) => {
    const file = (name: string) => join(folder, name)
    const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { stdio: "pipe", cwd: folder })
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    const authority = (name: string) =>
      openssl(
        "req",
        "-x509",
        ...newKey,
        "-keyout",
        file(`${name}.key`),
        "-out",
        file(`${name}.crt`),
        "-days",
        "2",
        "-subj",
        `/CN=${name}`,
        "-addext",
        "basicConstraints=critical,CA:TRUE"
      )
    authority("ca")
    authority("other")
    writeFileSync(file("index.txt"), "")
    writeFileSync(
      file("ca.conf"),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${file("index.txt")}\nnew_certs_dir=${folder}\ndefault_md=sha256\n` +
        "policy=p\ncopy_extensions=copy\nunique_subject=no\nrand_serial=yes\n[p]\ncommonName=supplied\n"
    )
    const issue = (name: string, extension: string, dates: ReadonlyArray<string>): Certificate => {
      const [keyFile, request, certFile] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.crt`)]
      openssl("req", ...newKey, "-keyout", keyFile, "-out", request, "-subj", `/CN=${name}`, "-addext", extension)
      openssl(
        "ca",
        "-batch",
        "-config",
        file("ca.conf"),
        "-cert",
        file("ca.crt"),
        "-keyfile",
        file("ca.key"),
        "-in",
        request,
        "-out",
        certFile,
        "-notext",
        ...dates
      )
      return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") }
    }
    const valid = ["-days", "2"]
    return {
      caFile: file("ca.crt"),
      ca: readFileSync(file("ca.crt"), "utf8"),
      otherCa: readFileSync(file("other.crt"), "utf8"),
      server: issue("server", subjects, valid),
      named: issue("named", "subjectAltName=DNS:localhost", valid),
      client: issue("client", subjects, valid),
      expired: issue("expired", subjects, ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"]),
      stranger: issue("stranger", "subjectAltName=DNS:elsewhere.invalid", valid)
    }
  })
)

/** Settings of a server that speaks TLS on this port beside its own. */
export const tlsArguments = (
  { caFile }: Certificates,
  { certFile, keyFile }: Certificate,
  port: number,
  clients: "yes" | "no" = "no"
): ReadonlyArray<string> => [
  "--tls-port",
  String(port),
  "--tls-cert-file",
  certFile,
  "--tls-key-file",
  keyFile,
  "--tls-ca-cert-file",
  caFile,
  "--tls-auth-clients",
  clients
]
