/** What must not compile of a pool that processes share, and why. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SharedPool } from "../../src/cluster.ts"
import { type ApiKey, Keys, open, Plain, Sessions, type Vault } from "./shared.types.ts"

// @ts-expect-error no `Self`
class _NoSelf extends SharedPool.Service()("mail/NoSelf", { object: Schema.String }) {}
declare const needy: Schema.Codec<typeof ApiKey.Type, string, Vault>
// @ts-expect-error a schema that needs a service to decode
SharedPool.Service<Keys>()("mail/Keys", { object: needy })
// @ts-expect-error objects of another type
Plain.layer({ objects: [3] })
// @ts-expect-error an `acquire` that fails, where no schema says with what
Plain.layer({ acquire: Effect.fail("no") })
// @ts-expect-error a need that nobody answers
Keys.layer({ acquire: open, data: { weight: 1 } })
// @ts-expect-error data that nobody makes
Keys.layer({ acquire: open, meets: () => true })
// @ts-expect-error functions do not travel
Keys.borrowWith({ where: () => true })
// @ts-expect-error no such need
Keys.borrowWith({ need: "moon" })
// @ts-expect-error a shared pool has no `pack`
Plain.layer({ objects: ["a"], pack: () => 1 })
// @ts-expect-error a picture has no object
Effect.map(Keys.objects, (objects) => objects[0]?.object)
// @ts-expect-error a token that anybody could read
SharedPool.layerSocket({ port: 1, token: "0123456789abcdef" })
// @ts-expect-error a token that anybody could read in a log
SharedPool.layerSocketServer({ port: 1, token: Config.String("TOKEN") })
// @ts-expect-error a misspelt class
Sessions.borrowWith({ class: "bacth" })
// @ts-expect-error a misspelt class
Sessions.with(() => Effect.void, { class: "bacth" })
// @ts-expect-error the tag has declared no classes
Plain.borrowWith({ class: "batch" })
// @ts-expect-error declared classes must be given
Sessions.layer({ objects: ["a"] })
// @ts-expect-error all of them
Sessions.layerServer({ objects: ["a"], classes: { batch: {} } })
// @ts-expect-error and no other
Sessions.layerHost({ objects: ["a"], classes: { interactive: {}, batch: {}, other: {} } })
// @ts-expect-error the tag has declared none
Plain.layer({ objects: ["a"], classes: { batch: {} } })
