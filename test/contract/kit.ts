/** What the cases of the contract are written with, and what runs each for both flavours. */
import { afterEach, assert, beforeEach, describe } from "@effect/vitest"
import { effects } from "./effects.ts"
import type { Options, Pool, World } from "./flavour.ts"
import { promises } from "./promises.ts"

/** How something stands that was begun: `"waits"`, `"ok"`, or the tag or the text of what it has failed with. */
export const watch = <B>(begun: Promise<B>) => {
  const watched = { state: "waits", value: undefined as B | undefined, error: undefined as unknown }
  begun.then(
    (value) => Object.assign(watched, { state: "ok", value }),
    (error: unknown) => Object.assign(watched, { state: nameOf(error), error })
  )
  return watched
}

export const nameOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return String(error)
  const { _tag, name, reason } = error as { readonly _tag?: string; readonly name?: string; readonly reason?: string }
  return [_tag ?? name, typeof reason === "string" ? reason : undefined].filter(Boolean).join(" ")
}

/** What something fails with. */
export const failure = (begun: Promise<unknown>): Promise<unknown> =>
  begun.then(() => assert.fail("it has not failed"), (error: unknown) => error)

export const endOf = async (begun: Promise<unknown>): Promise<string> => nameOf(await failure(begun))

/** An object that knows whether it is still there. */
export interface Made {
  readonly n: number
  destroyed: number
}

/** Makes numbered objects, and destroys them; both may be replaced as it goes. */
export const maker = () => {
  const made: Array<Made> = []
  const script = {
    acquire: (): void | Promise<void> => {},
    destroy: (_object: Made): void | Promise<void> => {}
  }
  const options = {
    acquire: async (): Promise<Made> => {
      await script.acquire()
      const object = { n: made.length + 1, destroyed: 0 }
      made.push(object)
      return object
    },
    destroy: async (object: Made): Promise<void> => {
      await script.destroy(object)
      object.destroyed++
    }
  }
  return { made, options, script }
}

export const never = (): Promise<never> => new Promise(() => {})

export const only = <A>(object: A) => ({ where: (pooled: { readonly object: A }) => Object.is(pooled.object, object) })

export interface Kit {
  /** A pool that takes back at once what is lent when it closes. */
  readonly make: <A>(options: Options<A>) => Promise<Pool<A>>
  /** Lets so many milliseconds pass, and everything happen that is due by then. */
  readonly pass: (millis?: number) => Promise<void>
  /** Nobody holds anything or waits; so many can be lent at once, and no more. */
  readonly serves: <A>(pool: Pool<A>, n: number) => Promise<void>
}

/** Runs cases for both flavours, each in a world of its own. */
export const contract = (cases: (kit: Kit) => void): void => {
  for (const flavour of [effects, promises]) {
    describe(`a pool of ${flavour.name}`, () => {
      let world: World

      beforeEach(async () => {
        world = await flavour.begin()
      })
      afterEach(() => world.end())

      const make: Kit["make"] = (options) => world.make({ closing: { timeout: 0 }, ...options })
      const pass: Kit["pass"] = (millis = 0) => world.pass(millis)
      cases({ make, pass, serves: (pool, n) => serves(pool, n, pass) })
    })
  }
}

const serves = async <A>(pool: Pool<A>, n: number, pass: Kit["pass"]): Promise<void> => {
  await pass()
  const { borrowed, leases, waiting } = await pool.stats()
  assert.deepStrictEqual([borrowed, leases, waiting], [0, 0, 0], "nothing is lent, nobody waits")
  const borrowers = Array.from({ length: n + 1 }, () => {
    const controller = new AbortController()
    return { controller, watched: watch(pool.borrow({ signal: controller.signal, timeout: "Infinity" })) }
  })
  await pass()
  const states = borrowers.map(({ watched }) => watched.state)
  assert.deepStrictEqual(states, [...Array.from({ length: n }, () => "ok"), "waits"], `${n} are served`)
  borrowers[n]!.controller.abort()
  await pass()
  for (const { watched } of borrowers.slice(0, n)) await watched.value!.release()
  await pass()
}
