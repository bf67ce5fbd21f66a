/** What a handler does for one visitor only, though its response does not say so. */
import { Context } from "effect"

export interface ResponsePrivacy {
  isPrivate: boolean
}

/** Of the response that is made now; undefined where nobody would store it. */
export const CurrentResponsePrivacy = Context.Reference<ResponsePrivacy | undefined>("effect-vcache/ResponsePrivacy", {
  defaultValue: () => undefined
})
