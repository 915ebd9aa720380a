/** `npm run test:trips` records the ways through the rooms of the house, and prints how long they are. */
import { defineConfig } from "vitest/config"
import { recording } from "./rooms.ts"

export default defineConfig({
  plugins: [recording],
  test: { include: ["test/trips/trips.test.ts"], disableConsoleIntercept: true }
})
