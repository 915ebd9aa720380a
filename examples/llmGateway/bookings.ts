/**
 * When to come back. Many are refused at once, and if all were told when the next key has room, all would come then, and all
 * but one in vain. So each is told a time of its own, one after the other, at the rate at which the keys can answer. Until he
 * comes, what the keys have room for is kept for him: who comes for the first time is told a time as well. So it is among
 * those who say how often they have come, as clients of OpenAI do; whoever does not takes his chance.
 */
import { Context, Duration, Effect, Layer } from "effect"
import { GatewaySettings } from "./settings.ts"

/** A client is not told to wait for longer. */
const atMost = 60_000

export class Bookings extends Context.Service<Bookings>()("llmGateway/Bookings", {
  make: Effect.map(GatewaySettings, ({ patience }) => make(Duration.toMillis(patience)))
}) {
  static readonly layer = Layer.effect(Bookings, Bookings.make)
}

const make = (patience: number) => {
  /** When they come, in order, in milliseconds that go by. */
  const booked: Array<number> = []
  /** Those who have come back, and wait for a key. */
  let waiting = 0

  /** Who is told, and does not come, has changed his mind. */
  const forget = (now: number) => {
    while (booked.length > 0 && booked[0]! + patience < now) booked.shift()
  }

  return {
    /** Is all that the keys have room for kept for those who have been told to come? */
    isBooked: (room: number): boolean => {
      forget(performance.now())
      return booked.length > 0 && booked.length + waiting >= room
    },
    /**
     * Answers in how many milliseconds one more should come: not before `earliest`, nor before those are served who have been
     * told already. `rate`: how many are served in a millisecond. `keeps`: room is kept for him, since he will say that he has
     * come back.
     */
    book: (earliest: number, rate: number, keeps: boolean): number => {
      const now = performance.now()
      forget(now)
      const last = booked.at(-1) ?? -Infinity
      // a few wait at any time, so that no room is left unused; they have a part of their patience left
      const turn = now + (booked.length + waiting + 1) / rate - patience / 4
      const at = Math.max(now + earliest, turn, last + 0.9 / rate)
      if (at > now + atMost) return atMost
      if (keeps) booked.push(at)
      return at - now
    },
    /** Somebody has come back; to be called again when he has a key, or has none. */
    comeBack: (): () => void => {
      booked.shift()
      waiting++
      let waits = true
      return () => {
        if (waits) waiting--
        waits = false
      }
    }
  }
}
