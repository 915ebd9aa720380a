import { assert, it } from "@effect/vitest"
import { linesOf } from "../support/example.ts"

it("sessions that PostgreSQL ends while they are idle are replaced, and the process goes on", async () => {
  assert.deepStrictEqual(await linesOf("idleSessions"), [
    "2 sessions were ended by the server, while nobody had them",
    "2 have taken their place",
    "4 made, 2 destroyed; the process goes on"
  ])
})
