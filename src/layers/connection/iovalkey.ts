/** The package iovalkey, loaded when the first connection is opened: programs that need none start without it. */
export type Iovalkey = Pick<typeof import("iovalkey"), "AbstractConnector" | "Cluster" | "Redis">

/** Bundlers disagree about the names that a CommonJS module has when it is imported so; its default they all know. */
export const loadIovalkey = async (): Promise<Iovalkey> => (await import("iovalkey")).default
