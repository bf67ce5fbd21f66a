/** Responses of the admin pages. */
import { HttpServerResponse } from "effect/http"
import type { Html } from "./Html.ts"

/**
 * Browsers run only the script of these pages, load nothing from elsewhere, do not frame a page, and keep no copy of it. They send the
 * address as a referrer to this origin only; without any referrer they would send forms with `Origin: null`.
 */
export const headers = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex"
}

export const page = ({ text }: Html, status = 200): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(`<!doctype html>\n${text}`, { status, headers, contentType: "text/html; charset=utf-8" })

export const plain = (
  text: string,
  status: number,
  more: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse => HttpServerResponse.text(text, { status, headers: { ...headers, ...more } })

/** A redirect after a change, so that a reload does not repeat the change. */
export const onward = (address: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({ status: 303, headers: { ...headers, location: address } })

export const script = (text: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(text, { headers, contentType: "text/javascript; charset=utf-8" })

export const style = (text: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(text, { headers, contentType: "text/css; charset=utf-8" })
