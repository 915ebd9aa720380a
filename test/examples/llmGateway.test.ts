import { assert, describe, it } from "@effect/vitest"
import { linesOf } from "../support/example.ts"

describe("the example", () => {
  it("llmGateway has keys refused that it lends by its allowances rarely or never, and ends by itself", async () => {
    const lines = await linesOf("llmGateway/main", { env: { ...process.env, GATEWAY_SECONDS: "4" } })
    const rows = new Map(lines.map((line) => line.split(/ {2,}/)).map(([name, ...cells]) => [name, cells]))
    const answered = (name: string) => Number(rows.get(name)![0])
    const refused = (name: string) => Number(rows.get(name)![2])

    assert.include(lines[0], "100 callers, three times the load that 6 keys allow")
    for (const name of ["allowances", "judge alone", "round robin"]) assert.isAbove(answered(name), 0)
    // none on a machine that has nothing else to do: on another one a request may be later than the 2 seconds of a window
    assert.isAtMost(refused("allowances"), 0.1 * answered("allowances"))
    for (const name of ["judge alone", "round robin"]) assert.isAbove(refused(name), refused("allowances"))
    for (const name of ["own-a", "own-b", "own-c", "own-d", "paid-a", "paid-b"]) {
      assert.isAtMost(Number(rows.get(name)!.at(-1)), refused("allowances"))
    }
  })
})
