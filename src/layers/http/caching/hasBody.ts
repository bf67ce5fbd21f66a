/** Whether headers say that a request has a body (RFC 9112, section 6.3). Its response is not cached, and one handler alone can read it. */
export const hasBody = (headers: Readonly<Record<string, unknown>>): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0"
