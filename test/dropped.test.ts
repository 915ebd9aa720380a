import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Fiber, Metric, Schedule, Scope, Stream } from "effect"
import { HttpRouter } from "effect/http"
import { ObjectPool, PoolMetrics, PoolService } from "../src/index.ts"
import { Inspector } from "../src/inspector.ts"
import { PromisePool, type PromiseSelf } from "../src/promise.ts"
import { collect } from "./support/garbage.ts"

/** Collects garbage, and gives what watches it its turns, until it is so. */
const until = async (so: () => boolean | Promise<boolean>) => {
  while (!(await so())) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
}

/** How many pools whose names begin so are shown to who looks now, and no longer. */
const named = async (prefix: string): Promise<number> => {
  const { dispose, handler } = HttpRouter.toWebHandler(Inspector.layerHttp(), { disableLogger: true })
  const response = await handler(new Request("http://localhost/pools/snapshot"))
  const { changed } = await response.json() as { readonly changed: ReadonlyArray<{ readonly name: string }> }
  await dispose()
  return changed.filter(({ name }) => name.startsWith(prefix)).length
}

const time = () => new Promise((resolve) => setTimeout(resolve, 10))

const uses: Record<string, (name: string) => Promise<unknown>> = {
  "that is idle": async (name) => {
    const pool = Effect.runSync(
      Effect.provideService(
        ObjectPool.make({ name, acquire: Effect.succeed({}), size: { min: 2 } }),
        Scope.Scope,
        Scope.makeUnsafe()
      )
    )
    await Effect.runPromise(pool.with(() => Effect.void))
  },
  "of promises": async (name) => {
    const pool = PromisePool.make({ name, acquire: () => ({}), detectStatus: () => "Available" })
    await pool.with(() => undefined)
  },
  "that is detected once in a while": async (name) => {
    const pool = PromisePool.make({
      name,
      objects: [{}, {}],
      detectStatus: () => "Available",
      detection: { every: "1 hour" }
    })
    await pool.with(() => undefined)
  },
  "that is detected by a schedule, which takes time": async (name) => {
    const pool = Effect.runSync(
      Effect.provideService(
        ObjectPool.make({
          name,
          objects: [{}, {}],
          detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const),
          detection: { every: Schedule.spaced("1 hour"), timeout: "1 hour" }
        }),
        Scope.Scope,
        Scope.makeUnsafe()
      )
    )
    await Effect.runPromise(pool.with(() => Effect.void))
  },
  "that has been detected once in a while": async (name) => {
    let asked = 0
    const pool = PromisePool.make({
      name,
      objects: [{}],
      detectStatus: async () => {
        asked++
        return "Available" as const
      },
      detection: {
        every: Schedule.concat(Schedule.upTo(Schedule.spaced("5 millis"), { times: 8 }), Schedule.spaced("1 hour")),
        timeout: "1 hour"
      }
    })
    await pool.with(() => undefined)
    while (asked < 4) await time()
  },
  "whose object is plainly \"Dormant\", over and over": async (name) => {
    let asked = 0
    const detectStatus = () => {
      asked++
      return "Dormant" as const
    }
    PromisePool.make({ name, objects: [{}], detectStatus, detection: { dormantFor: "250 millis" } })
    while (asked < 3) await time()
  },
  "whose dozing object somebody has waited for": async (name) => {
    const pool = PromisePool.make({
      name,
      objects: [{}],
      detectStatus: () => "Dormant",
      detection: { dormantFor: "2 hours" }
    })
    const controller = new AbortController()
    const waiting = pool.with(() => undefined, { timeout: "1 hour", signal: controller.signal })
    controller.abort(new Error("enough"))
    await waiting.catch(() => undefined)
  },
  "whose object rests for a time": async (name) => {
    const pool = PromisePool.make({ name, objects: [{}] })
    const lease = await pool.borrow()
    lease.rest("1 hour")
    await lease.release()
  },
  "whose object rests until a moment": async (name) => {
    const pool = PromisePool.make({ name, objects: [{}] })
    const lease = await pool.borrow()
    lease.restUntil(new Date(Date.now() + 3_600_000))
    await lease.release()
  },
  "that asks over and over about an object which is \"Unknown\"": async (name) => {
    let asked = 0
    const detectStatus = async () => {
      asked++
      return "Unknown" as const
    }
    PromisePool.make({ name, objects: [{}], detectStatus, detection: { retry: Schedule.spaced("250 millis") } })
    while (asked < 3) await time()
  },
  "that tries over and over to make what it has to keep": async (name) => {
    let tried = 0
    const acquire = () => {
      tried++
      throw new Error("down")
    }
    PromisePool.make<object>({ name, acquire, size: { min: 1, max: 1 } })
    while (tried < 2) await time()
  },
  "that waits for the turn of its next attempt": async (name) => {
    const acquire = async () => {
      throw new Error("down")
    }
    const creation = { retry: Schedule.spaced("1 hour") }
    const pool = PromisePool.make<object>({ name, acquire, size: { max: 1 }, creation })
    await pool.with(() => undefined, { timeout: 20 }).catch(() => undefined)
  },
  "that replaces over and over what it has to keep": async (name) => {
    let made = 0
    const acquire = () => ({ made: made++ })
    PromisePool.make({ name, acquire, size: { min: 1, max: 2 }, lifetime: { timeToLive: "250 millis" } })
    while (made < 3) await time()
  },
  "that looks over and over whether what it has to keep is idle": async (name) => {
    const pool = PromisePool.make({
      name,
      acquire: () => ({}),
      size: { min: 1, max: 2 },
      lifetime: { idleTimeToLive: "250 millis" }
    })
    await pool.with(() => undefined)
    await time()
  },
  "of which somebody keeps what an object may tell of itself": async (name) => {
    const pool = PromisePool.make({
      name,
      acquire: (_, self) => {
        kept.push(self)
        return {}
      },
      detectStatus: () => "Available"
    })
    await pool.with(() => undefined)
    const { detect, invalidate, rest } = await pool.add({})
    kept.push({ detect, invalidate, rest })
    rest("1 hour")
  }
}

/** As the listeners of an open socket are. */
const kept: Array<PromiseSelf> = []

/** Its pool is shown in a registry that outlives it. */
const registry: Metric.MetricRegistry = new Map()
const shown = (pool: ObjectPool<object>, scope: Scope.Scope) =>
  Effect.runSync(
    PoolMetrics.register(pool).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.provideService(Shown, pool),
      Effect.provideService(Metric.MetricRegistry, registry)
    )
  )

class Shown extends PoolService<Shown, object>()("test/Shown") {}

describe("a pool that is dropped without being closed", () => {
  for (const [what, use] of Object.entries(uses)) {
    it(`${what} goes with whatever held it`, async () => {
      await Promise.all(Array.from({ length: 5 }, (_, i) => use(`dropped ${what} ${i}`)))

      await until(async () => await named(`dropped ${what}`) === 0)
      for (const self of kept) for (const call of [self.detect, () => self.rest("1 second"), self.invalidate]) call()
    })
  }

  const watched = (name: string) => {
    const detectStatus = () => "Available" as const
    return ObjectPool.make({ name, objects: [{}], detectStatus, detection: { every: "500 millis" } }).pipe(
      Effect.provideService(Scope.Scope, Scope.makeUnsafe()),
      Effect.runSync
    )
  }
  const later = async (so: () => boolean) => {
    const turns = (n: number) => until(() => n-- === 0)
    await turns(3)
    // only what goes on by itself can be so
    while (!so()) {
      await time()
      await turns(1)
    }
  }

  it("stays while somebody waits for what it finds, whatever else holds his fiber", async () => {
    let fits = false
    let served = false
    const wait = () => {
      const body = () => Effect.sync(() => served = true)
      void Effect.runFork(watched("waited for").with(body, { timeout: "Infinity", where: () => fits }))
    }
    wait()

    await later(() => true)
    fits = true
    await later(() => served)

    assert.isTrue(served)
  })

  it("stays while somebody listens to it", async () => {
    let heard = 0
    const listen = async () => {
      const pool = PromisePool.make({
        name: "listened to",
        objects: [{}],
        detectStatus: () => "Available",
        detection: { every: "500 millis" }
      })
      for await (const _ of pool.events()) if (++heard === 9) break
    }
    void listen()

    await later(() => heard === 9)

    assert.strictEqual(heard, 9)
  })

  /** Each pool has one upkeep alone that serves who waits. */
  const served: Record<string, () => PromisePool<object>> = {
    "the end of a rest": () => {
      const object = {}
      const pool = PromisePool.make<object>({ objects: [object] })
      pool.rest(object, "300 millis")
      return pool
    },
    "the end of a rest until a moment": () => {
      const object = {}
      const answers = [{ _tag: "Rest", until: DateTime.makeUnsafe(Date.now() + 300) }, "Available"] as const
      let asked = 0
      return PromisePool.make<object>({ objects: [object], detectStatus: () => answers[asked++] ?? "Available" })
    },
    "an object that is plainly \"Dormant\"": () => {
      let asked = 0
      return PromisePool.make<object>({
        objects: [{}],
        detectStatus: () => asked++ === 0 ? "Dormant" : "Available",
        detection: { dormantFor: "300 millis" }
      })
    },
    "an object that is \"Unknown\"": () => {
      let asked = 0
      return PromisePool.make<object>({
        objects: [{}],
        detectStatus: () => asked++ === 0 ? "Unknown" : "Available",
        detection: { retry: Schedule.spaced("300 millis") }
      })
    },
    "the next attempt to make one": () => {
      let tried = 0
      const acquire = () => {
        if (tried++ === 0) throw new Error("down")
        return {}
      }
      return PromisePool.make<object>({ acquire, size: { max: 1 }, creation: { retry: Schedule.spaced("300 millis") } })
    },
    "what replaces one that does not fit": () => {
      let made = 0
      const acquire = () => ({ fits: made++ > 0 })
      return PromisePool.make<object>({ acquire, size: { min: 1, max: 1 }, lifetime: { timeToLive: "300 millis" } })
    }
  }

  for (const [what, make] of Object.entries(served)) {
    it(`stays while somebody waits, without a deadline, for ${what}`, async () => {
      let object: object | undefined
      const wait = () => {
        const where = ({ object }: { readonly object: object }) => !("fits" in object) || object.fits === true
        void make().with((given) => object = given, { timeout: "Infinity", where })
      }
      wait()

      await later(() => object !== undefined)

      assert.isDefined(object)
    })
  }

  it("stays while somebody waits, without a deadline, until it is ready", async () => {
    let isReady = false
    const wait = () => {
      const pool = PromisePool.make({
        objects: [{}],
        detectStatus: () => isReady ? "Available" : "Unknown",
        detection: { retry: Schedule.spaced("300 millis") },
        acquire: () => ({}),
        size: { min: 1, max: 1 }
      })
      return pool.ready()
    }
    let over = false
    void wait().then(() => over = true)

    await later(() => true)
    isReady = true
    await later(() => over)

    assert.isTrue(over)
  })

  /** What the pool does over and over is heard by who listens. */
  const heard: Record<string, () => PromisePool<object>> = {
    "in vain makes what it has to keep": () => {
      const acquire = () => {
        throw new Error("down")
      }
      return PromisePool.make<object>({ acquire, size: { min: 1, max: 1 } })
    },
    "replaces what it has to keep": () =>
      PromisePool.make<object>({
        acquire: () => ({}),
        size: { min: 1, max: 2 },
        lifetime: { timeToLive: "100 millis" }
      }),
    "asks about what rests": () =>
      PromisePool.make<object>({
        objects: [{}],
        detectStatus: () => "Dormant",
        detection: { dormantFor: "100 millis" }
      })
  }

  for (const [what, make] of Object.entries(heard)) {
    it(`stays while somebody listens to how it ${what}`, async () => {
      const heard: Array<string> = []
      const listen = async () => {
        for await (const event of make().events()) {
          heard.push(event._tag)
          if (heard.length === 3) break
        }
      }
      void listen()

      await later(() => heard.length === 3)

      assert.strictEqual(heard.length, 3)
    })
  }

  it("goes when nobody waits or listens any more", async () => {
    const use = async (name: string) => {
      const pool = Effect.runSync(
        Effect.provideService(
          ObjectPool.make({
            name,
            acquire: Effect.succeed({}),
            size: { min: 2, max: 2 },
            detectStatus: () => "Dormant",
            detection: { dormantFor: "1 hour" }
          }),
          Scope.Scope,
          Scope.makeUnsafe()
        )
      )
      const waiting = [
        pool.with(() => Effect.void, { timeout: "Infinity" }),
        pool.with(() => Effect.void, { timeout: "1 hour" }),
        pool.ready,
        Effect.andThen(pool.drain, Effect.never),
        Stream.runDrain(pool.events)
      ].map((effect) => Effect.runFork(effect as Effect.Effect<unknown>))
      await time()
      Effect.runSync(pool.resume)
      for (const fiber of waiting) await Effect.runPromise(Fiber.interrupt(fiber))
    }
    await use("given up")

    await until(async () => await named("given up") === 0)
  })

  it("stays until a lease of it has ended whose body nothing else holds", async () => {
    let over = false
    const use = () => {
      const pool = PromisePool.make({ objects: [{}], leaseTimeout: "300 millis" })
      void pool.with(() => new Promise(() => {})).catch(() => over = true)
    }
    use()

    await later(() => over)

    assert.isTrue(over)
  })

  it("stays until what it has made is destroyed in its time, where it need not keep any", async () => {
    let destroyed = 0
    const use = async () => {
      const pool = PromisePool.make({
        name: "outlived",
        acquire: () => ({}),
        destroy: () => {
          destroyed++
        },
        size: { max: 2 },
        lifetime: { idleTimeToLive: "200 millis" }
      })
      await pool.with(() => pool.with(() => undefined))
    }
    await use()

    await later(() => destroyed === 2)
    await until(async () => await named("outlived") === 0)

    assert.strictEqual(destroyed, 2)
  })

  for (const every of ["1 hour", "40 millis"] as const) {
    it(`is not held by an inspector that looks at it, though it is detected every ${every}`, async () => {
      const { dispose, handler } = HttpRouter.toWebHandler(Inspector.layerHttp(), { disableLogger: true })
      const shown = async () => {
        const response = await handler(new Request("http://localhost/pools/snapshot"))
        return (await response.text()).includes(`looked at ${every}`)
      }
      const use = async (name: string) => {
        const pool = PromisePool.make({
          name,
          objects: [{}, {}, {}, {}],
          detectStatus: () => "Available",
          detection: { every }
        })
        const lease = await pool.borrow()
        lease.rest("1 hour")
        await lease.release()
        for (let i = 0; i < 20; i++) {
          assert.isTrue(await shown())
          await time()
        }
      }
      await Promise.all([0, 1, 2].map((i) => use(`looked at ${every} ${i}`)))

      await until(async () => {
        await time()
        return !(await shown())
      })
      await dispose()
    })
  }

  it("that has metrics goes, and so do they", async () => {
    const use = async (name: string) => {
      const scope = Scope.makeUnsafe()
      const pool = Effect.runSync(
        Effect.provideService(ObjectPool.make({ name, objects: [{}], size: { max: 3 } }), Scope.Scope, scope)
      )
      shown(pool, scope)
      await Effect.runPromise(pool.with(() => Effect.void))
    }
    await use("dropped with metrics")
    const series = registry.size

    await until(async () => await named("dropped with metrics") === 0)
    await until(() => registry.size === 0)

    assert.isAbove(series, 10)
    assert.strictEqual(registry.size, 0)
  })

  it("is shown as long as somebody holds it, and until it is closed", async () => {
    const pool = PromisePool.make({ name: "held", objects: [1] })
    collect()
    await new Promise((resolve) => setImmediate(resolve))
    collect()

    assert.strictEqual(await named("held"), 1)
    await pool.close()
    assert.strictEqual(await named("held"), 0)
  })
})
