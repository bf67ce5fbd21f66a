/**
 * The history of a server's data, which changes when another server, or the same one after a restart, goes on without knowing
 * for certain what was there last.
 */

/** Digits of `master_replid` that are enough to tell histories from each other. */
const digits = 16

const pattern = new RegExp(`master_replid:([0-9a-f]{1,${digits}})`)

/** The history, from what INFO says of the replication; empty where the server hides it. */
export const eraIn = (info: unknown): string => (typeof info === "string" ? (pattern.exec(info)?.[1] ?? "") : "")

/** A script's own history, as `era`. Where the server hides it, or may not be asked, it is empty. */
export const eraLua = `
local info = redis.pcall('INFO', 'replication')
local era = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
era = string.sub(era, 1, ${digits})`

/** The memory store has its records for as long as it has its entries. */
export const memoryEra = "0"
