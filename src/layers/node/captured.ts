/** The output of a handler of Node as a web response. */
import { type IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { webHeaders } from "./webRequest.ts"

/** Above this many unread bytes `write` returns false, and the handler waits for `drain`. */
const highWaterMark = 65_536

/** Statuses whose responses have no body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304])

/** A response has at most one of these headers. */
const lengthHeaders = ["content-length", "transfer-encoding"]

type Done = (error?: Error | null) => void

/** Makes the response, or throws, rejects or calls `fail` where it makes none. */
export type NodeHandler<Req> = (request: Req, response: ServerResponse, fail: (reason: unknown) => void) => unknown

/**
 * Resolves when the handler has sent its headers; the body may go on. Rejects with what the handler fails with, and where the
 * response is destroyed before that. When nobody reads the body any more, `close` is emitted on the response and on the request.
 * Interim responses and trailers get lost.
 */
export const captured = <Req extends IncomingMessage>(request: Req, handler: NodeHandler<Req>): Promise<Response> =>
  new Promise((resolve, reject) => {
    const response = new ServerResponse(request)
    // Once a header was set, Node keeps those that `writeHead` is given among the others, where `getHeaders` finds them.
    response.setHeader("server", "").removeHeader("server")
    response.assignSocket(new Socket().on("error", () => {}))
    let isSent = false
    let needsDrain = false
    let length = 0
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined

    const body = new ReadableStream<Uint8Array>(
      {
        start: (started) => void (controller = started),
        pull: () => {
          if (needsDrain) process.nextTick(() => response.emit("drain"))
          needsDrain = false
        },
        cancel: () => {
          controller = undefined
          response.destroy()
          if (!request.destroyed) request.emit("close")
        }
      },
      { highWaterMark, size: ({ byteLength }) => byteLength }
    )

    const hasBody = () => request.method !== "HEAD" && !bodiless.has(response.statusCode)

    const send = () => {
      if (isSent) return
      isSent = true
      const { statusCode: status, statusMessage: statusText } = response
      try {
        resolve(
          new Response(hasBody() ? body : null, { status, statusText, headers: webHeaders(response.getHeaders()) })
        )
      } catch (error) {
        reject(error)
        response.destroy()
      }
    }

    const sendHeaders = () => {
      if (!response.headersSent) response.writeHead(response.statusCode)
    }

    /** A body that was cut short must not be stored as a whole one. */
    const isWhole = () => !hasBody() || Number(response.getHeader("content-length") ?? length) === length

    const enqueue = (bytes: Uint8Array): boolean => {
      if (controller === undefined || !hasBody() || bytes.length === 0) return true
      length += bytes.length
      controller.enqueue(bytes)
      needsDrain = (controller.desiredSize ?? 0) <= 0
      return !needsDrain
    }

    const { writeHead } = response
    // Methods of the object itself stay where a framework gives the response another prototype.
    Object.assign(response, {
      writeHead: (...args: Parameters<typeof writeHead>) => {
        writeHead.apply(response, args)
        send()
        return response
      },
      flushHeaders: sendHeaders,
      writeContinue: interim,
      writeProcessing: interim,
      writeEarlyHints: interim,
      write: (chunk: unknown, ...rest: ReadonlyArray<unknown>): boolean => {
        const bytes = bytesOf(chunk, rest[0])
        const done = rest.find(isDone)
        if (response.writableEnded || response.destroyed) {
          if (done !== undefined) process.nextTick(done, new Error("The handler wrote to the response after its end."))
          return false
        }
        sendHeaders()
        if (done !== undefined) process.nextTick(done)
        return enqueue(bytes)
      },
      end: (...args: ReadonlyArray<unknown>): ServerResponse => {
        const done = args.find(isDone)
        const [chunk, encoding] = args
        if (response.writableEnded || response.destroyed) {
          if (done !== undefined) process.nextTick(done)
          return response
        }
        const bytes = !chunk || isDone(chunk) ? new Uint8Array() : bytesOf(chunk, encoding)
        if (!response.headersSent && hasBody() && !lengthHeaders.some((name) => response.hasHeader(name))) {
          response.setHeader("content-length", bytes.length)
        }
        sendHeaders()
        enqueue(bytes)
        response.finished = true
        if (isWhole()) controller?.close()
        else controller?.error(new Error("The length of the response is not the one that its headers say."))
        controller = undefined
        process.nextTick(() => {
          response.emit("finish")
          done?.()
          response.destroy()
        })
        return response
      }
    })

    response.once("close", () => {
      if (response.writableEnded) return
      const error = new Error("The response was closed before its end.")
      reject(error)
      controller?.error(error)
      controller = undefined
    })

    const fail = (reason: unknown) => {
      reject(reason)
      response.destroy()
    }
    void (async () => handler(request, response, fail))().catch(fail)
  })

const interim = (...args: ReadonlyArray<unknown>): void => args.find(isDone)?.()

/** Throws a `TypeError`, as Node does, where a chunk is neither text nor bytes. */
const bytesOf = (chunk: unknown, encoding: unknown): Uint8Array => {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk !== "string")
    throw new TypeError("A chunk of a response must be a string, a Buffer or a Uint8Array.")
  return Buffer.from(chunk, typeof encoding === "string" && Buffer.isEncoding(encoding) ? encoding : "utf8")
}

const isDone = (value: unknown): value is Done => typeof value === "function"
