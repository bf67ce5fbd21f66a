/** Sizes and times as people read them. */

const units = ["B", "KiB", "MiB", "GiB", "TiB"]

/** "1.5 GiB". */
export const inBytes = (bytes: number): string => {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}

/** "99.5 %"; undefined if the whole is 0. */
export const percent = (part: number, whole: number): string | undefined =>
  whole === 0 ? undefined : `${((100 * part) / whole).toFixed(1)} %`

/** "4m 12s", "for ever". */
export const lifetime = (pttl: number): string => {
  if (pttl < 0) return "for ever"
  if (pttl < 1000) return `${pttl}ms`
  const seconds = Math.floor(pttl / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"]
  ] as const
  return parts
    .filter(([count]) => count > 0)
    .slice(0, 2)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ")
}

const unitMillis: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The milliseconds of "4m 12s", of "1.5 h", of "90s"; undefined if the text is not a lifetime above 0. */
export const millisIn = (text: string): number | undefined => {
  const words = text.trim()
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?\s*(?:ms|s|m|h|d)\s*)+$/.test(words)) return undefined
  let millis = 0
  for (const [, count, unit = ""] of words.matchAll(/([\d.]+)\s*([a-z]+)/g)) {
    millis += Number(count) * (unitMillis[unit] ?? 0)
  }
  const whole = Math.round(millis)
  return whole > 0 && Number.isSafeInteger(whole) ? whole : undefined
}
