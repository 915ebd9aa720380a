/** What is promised of memories of hosts, wherever they are. */
import { assert } from "@effect/vitest"
import { Effect, Exit } from "effect"
import type { Memories } from "../../../src/internal/cluster/memory.ts"

/** What a host has written is there for the next, and one that was followed writes nothing more. */
export const isHandedOn = (memories: Memories): Effect.Effect<void, unknown> =>
  Effect.gen(function*() {
    const [first, next, other] = [memories("p", 1), memories("p", 2), memories("p/q", 1)]
    assert.deepStrictEqual((yield* first.open("p/")).names, [])
    yield* other.open("p/q/")
    yield* Effect.all([first.set("p/a", "1"), first.set("p/b", "it's \u{1F511} \\ \"b\""), other.set("p/q/a", "other")])
    yield* first.setAll([{ name: "p/c", text: "3" }, { name: "p/a", text: "2" }])
    yield* first.setAll([])
    yield* first.setAll(Array.from({ length: 1100 }, (_, n) => ({ name: `p/n${n}`, text: String(n) })))
    yield* first.remove("p/c")
    yield* first.remove("p/c")

    const { known, names } = yield* next.open("p/b")
    assert.deepStrictEqual(names, ["p/b"])
    for (const [name, text] of known) assert.strictEqual(text, yield* next.get(name))
    assert.strictEqual([...known.keys()].filter((name) => name.startsWith("p/n")).length, known.size === 0 ? 0 : 1100)
    assert.strictEqual(yield* next.get("p/n1099"), "1099")
    const late = yield* Effect.forEach([
      first.set("p/a", "4"),
      first.setAll([{ name: "p/a", text: "4" }]),
      first.set("p/d", "4"),
      first.remove("p/a")
    ], Effect.exit)
    assert.isTrue(late.every(Exit.isFailure))
    assert.isTrue(Exit.isFailure(yield* Effect.exit(first.open("p/"))))
    const texts = yield* Effect.all([...["p/a", "p/b", "p/c", "p/d"].map(next.get), other.get("p/q/a")])
    assert.deepStrictEqual(texts, ["2", "it's \u{1F511} \\ \"b\"", undefined, undefined, "other"])
    yield* next.remove("p/a")
    assert.isUndefined(yield* next.get("p/a"))
  })

/** What a host has not read as it opened was not written, however late the writes of the last one come. */
export const isFenced = (memories: Memories, rounds: number): Effect.Effect<void, unknown> =>
  Effect.gen(function*() {
    yield* memories("r", 1).open("")
    const all = new Set<string>()
    for (let epoch = 1; epoch <= rounds; epoch++) {
      const [last, next] = [memories("r", epoch), memories("r", epoch + 1)]
      const names = Array.from({ length: 20 }, (_, n) => `r/${epoch}-${n}`)
      const [exits, opened] = yield* Effect.all([
        Effect.forEach(names, (name) => Effect.exit(last.set(name, "")), { concurrency: 5 }),
        Effect.andThen(Effect.repeat(last.get("r/"), { times: epoch % 5 }), next.open("r/"))
      ], { concurrency: 2 })
      for (const name of opened.names) all.add(name)
      names.forEach((name, n) => {
        if (Exit.isSuccess(exits[n]!)) assert.isTrue(all.has(name), `${name} was written`)
      })
      const there = (yield* memories("r", epoch + 1).open("r/")).names
      assert.deepStrictEqual(new Set(there), all)
    }
  })
