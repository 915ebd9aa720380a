/** The pool, as hosts and borrowers know it: its name, and what travels between them. */
import { Schema } from "effect"
import { SharedPool } from "../../src/cluster.ts"

/** What a borrower gets. It travels to its borrower, once for each lease, and is shown to nobody else. */
export const Key = Schema.Struct({ name: Schema.String, secret: Schema.String })
export type Key = typeof Key.Type

/** The data of a key, its name, are for everybody: `Keys.objects` shows them. */
export class Keys extends SharedPool.Service<Keys>()("cluster/Keys", { object: Key, data: Schema.String }) {}
