import { assert, describe, it } from "@effect/vitest"
import { linesOf } from "../support/example.ts"

describe.concurrent("migrating", () => {
  for (const library of ["genericPool", "tarn", "lightningPool"]) {
    it(`from ${library}: the program does after what it did before`, async () => {
      const [before, after] = await Promise.all([
        linesOf(`migrating/${library}.before`),
        linesOf(`migrating/${library}.after`)
      ])

      assert.include(before, "refused")
      assert.deepStrictEqual(after, before)
    })
  }
})

describe("migrating from objectPoolAsync", () => {
  for (const flavour of ["after", "effect"]) {
    it(`each name becomes what the page says (${flavour})`, async () => {
      const lines = await linesOf(`migrating/objectPoolAsync.${flavour}`)

      assert.deepStrictEqual(lines, [
        "one: answered",
        "3 keys",
        "Status: Pending,Available,Borrowed,Dormant,Unknown,Invalid",
        // the dead one has left, the one that must cool down rests
        "detect_status: Available,,Dormant",
        // each was asked once, at its first borrow, while the other was not; not again at the third
        "detect_status at a borrow: 1,1",
        "select_object: b",
        "round robin, weighted: a,b,a,b,b,b",
        "wrapper: A",
        // merged
        `wrapping_data: [{"used":0},{"used":0,"note":"its own"}]`,
        "packer: packed a,unpacked a",
        "object_factory: made,made",
        "async_concurrency: 2",
        // nothing was overwritten, and equal primitives are two objects
        "add: DuplicateObject,3",
        "remove, discard: true,undefined,true,Borrowed,undefined",
        // one could be added after it had been cleared, none after it had been closed
        "clear: 1,PoolClosed",
        "update_status: 1,0",
        "get_status, len, in: Available,1,false",
        // 3 are milliseconds
        "borrow(timeout=3): true,false",
        // refused at once, or served later
        "borrow() is None: NoneAvailable,a",
        "keywords of borrow: b,first,later",
        "pack.close(): 1,1,0,1",
        "pack.close(**feedback): a Dormant 1",
        "ObjectNotFoundError: false",
        // no object had two borrowers
        "coroutine safety: false"
      ])
    })
  }
})
