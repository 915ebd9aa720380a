/**
 * What is seen of something by whoever prints it: a small picture, the same for every printer.
 *
 * Printers differ in what they look for: `JSON.stringify` and Vitest for `toJSON`, Node's `console` for a symbol of its own,
 * effect's loggers and formatters for `Redactable`, templates for `toString`. One that finds nothing walks through all
 * that an object can reach, which here would be every other object of the pool.
 */
import * as Formatter from "effect/Formatter"
import { symbolRedactable } from "effect/Redactable"

/** Has a prototype, or one object, show a picture of itself. */
export const shows = <T extends object>(target: T, picture: (self: T) => unknown): void => {
  function seen(this: T): unknown {
    return picture(this)
  }
  const as = (value: Function) => ({ value, writable: true, configurable: true })
  Object.defineProperties(target, {
    toJSON: as(seen),
    [Symbol.for("nodejs.util.inspect.custom")]: as(seen),
    [symbolRedactable]: as(seen),
    toString: as(function(this: T): string {
      return Formatter.format(picture(this))
    })
  })
}
