/** Sizes and times as people read them. */

const units = ["B", "KiB", "MiB", "GiB", "TiB"]

/** "1.5 GiB". */
export const inBytes = (bytes: number): string => {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}

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
