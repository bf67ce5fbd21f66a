/** Whether the keys of one operation have to be in one hash slot. */
import type { ValkeyClientShape } from "effect-vcache"

export const hasSlots = ({ topology }: ValkeyClientShape): boolean => topology === "cluster" || topology === "ring"
