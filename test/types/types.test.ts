import { it } from "@effect/vitest"
import { typeCheck } from "../support/node.ts"

it("what must compile does, and what must not does not", ({ signal }) => typeCheck("test/types", signal))
