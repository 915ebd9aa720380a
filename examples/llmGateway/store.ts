/** Where the pool writes what it knows of its keys, so that the next process goes on with that. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, FileSystem, Layer } from "effect"
import { KeyValueStore } from "effect/persistence"
import { join } from "node:path"
import { GatewaySettings } from "./settings.ts"

/** Files that are whole or not there, though the process may be killed as it writes. */
const files = (folder: string) =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    yield* fileSystem.makeDirectory(folder, { recursive: true })
    const pathOf = (key: string) => join(folder, encodeURIComponent(key))
    const failed = (method: string, key: string) =>
      Effect.mapError((cause: unknown) =>
        new KeyValueStore.KeyValueStoreError({ method, key, message: "The store of the gateway has failed", cause })
      )
    return KeyValueStore.makeStringOnly({
      get: (key) =>
        fileSystem.readFileString(pathOf(key)).pipe(
          Effect.catchIf(({ reason }) => reason._tag === "NotFound", () => Effect.undefined),
          failed("get", key)
        ),
      set: (key, text) =>
        fileSystem.writeFileString(`${pathOf(key)}.new`, text).pipe(
          Effect.andThen(fileSystem.rename(`${pathOf(key)}.new`, pathOf(key))),
          failed("set", key)
        ),
      remove: (key) => fileSystem.remove(pathOf(key), { force: true }).pipe(failed("remove", key)),
      clear: Effect.void,
      size: Effect.succeed(0),
      keys: Effect.succeed([])
    })
  })

/** In the folder that the settings name; else what is known is gone with the process. */
export const Store = Layer.unwrap(Effect.map(GatewaySettings, ({ store }) =>
  store === ""
    ? KeyValueStore.layerMemory
    : Layer.provide(Layer.effect(KeyValueStore.KeyValueStore, files(store)), NodeFileSystem.layer)))
