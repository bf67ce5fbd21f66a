/** Why the store in memory will never know a command. */

export const ofAServer = "it asks or tells a server how it works, stores or connects"
export const ofConnections = "there is no connection"
export const oneDatabase = "the store has one database"
export const noLua = "no Lua runs in memory: a `Script` has a twin in TypeScript, which `eval` runs"
