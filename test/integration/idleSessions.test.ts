import { assert, it } from "@effect/vitest"
import { linesOf } from "../support/example.ts"

it("sessions that PostgreSQL ends while they are idle are replaced, and the process goes on", async () => {
  const lines = await linesOf("idleSessions")
  const lost = lines.filter((line) => line.includes("WARN"))

  for (const line of lost) assert.include(line, "A session is lost: terminating connection")
  assert.lengthOf(lost, 2)
  assert.deepStrictEqual(lines.filter((line) => !lost.includes(line)), [
    "2 sessions were ended by the server, while nobody had them",
    "2 have taken their place",
    "4 made, 2 destroyed; the process goes on"
  ])
})
