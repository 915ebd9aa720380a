/** The pool of the process tests: keys of a guarded resource. */
import { Schema } from "effect"
import { SharedPool } from "../../../src/cluster.ts"

export class Keys extends SharedPool.Service<Keys>()("test/Keys", { object: Schema.Struct({ key: Schema.String }) }) {}

export interface ClusterConfig {
  /** Of the database. */
  readonly url: string
  /** Begins the names of the tables: each test has a cluster of its own. */
  readonly prefix: string
  /** Milliseconds. */
  readonly lockExpiration: number
}
