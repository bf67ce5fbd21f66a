/** Dates in headers: the three forms of RFC 9110, section 5.6.7, and no other. `Date.parse` takes many more. */

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const month = `(${months.join("|")})`
const time = "(\\d\\d):(\\d\\d):(\\d\\d)"
const imfFixdate = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun), (\\d\\d) ${month} (\\d{4}) ${time} gmt$`)
const rfc850 = new RegExp(`^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (\\d\\d)-${month}-(\\d\\d) ${time} gmt$`)
const asctime = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun) ${month} ([ \\d]\\d) ${time} (\\d{4})$`)

/** Milliseconds since 1970; undefined where it is no date. */
export const parseDate = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined
  // Case is significant by the letter, and ignored by everybody who reads dates.
  const lower = text.trim().toLowerCase()
  const full = imfFixdate.exec(lower)
  if (full !== null) return instant(full[3], full[2], full[1], full.slice(4))
  const short = rfc850.exec(lower)
  if (short !== null) return instant(String(yearOf(Number(short[3]), now)), short[2], short[1], short.slice(4))
  const old = asctime.exec(lower)
  return old === null ? undefined : instant(old[6], old[1], old[2], old.slice(3, 6))
}

/** Two digits that would be more than 50 years in the future are of the last century. */
const yearOf = (digits: number, now: number): number => {
  const thisYear = new Date(now).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + digits
  return year > thisYear + 50 ? year - 100 : year
}

const instant = (
  year: string | undefined,
  monthName: string | undefined,
  day: string | undefined,
  times: ReadonlyArray<string>
): number | undefined => {
  const [hours = 0, minutes = 0, seconds = 0] = times.map(Number)
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined
  const date = new Date(Date.UTC(Number(year), months.indexOf(monthName ?? ""), Number(day), hours, minutes, seconds))
  return date.getUTCDate() === Number(day) || seconds === 60 ? date.getTime() : undefined
}
