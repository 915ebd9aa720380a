/**
 * A pool of keys in Redis, as it is usually built: free keys in a list, a lease with its deadline and its fence in a sorted set,
 * each step a Lua script. Where `redis-server` is on the path.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { freePort } from "../support/postgres.ts"

/** Is there a Redis on this machine? */
const isThere = (): boolean => spawnSync("redis-server", ["--version"]).status === 0

/** What is said where there is none. */
export const leftOut = (): string | undefined =>
  isThere() ? undefined : "Redis was left out: there is no `redis-server` on the path."

type Reply = string | number | undefined | ReadonlyArray<unknown>

/** Reads one answer, if it is there whole: what it says, and where the next begins. */
const read = (text: string, at: number): readonly [Reply, number] | undefined => {
  const end = text.indexOf("\r\n", at)
  if (end === -1) return undefined
  const head = text.slice(at + 1, end)
  let next = end + 2
  switch (text[at]) {
    case ":":
      return [Number(head), next]
    case "+":
      return [head, next]
    case "$":
      if (head === "-1") return [undefined, next]
      next += Number(head) + 2
      return next > text.length ? undefined : [text.slice(end + 2, next - 2), next]
    case "*": {
      const all: Array<Reply> = []
      for (let n = Number(head); n > 0; n--) {
        const one = read(text, next)
        if (one === undefined) return undefined
        all.push(one[0])
        next = one[1]
      }
      return [all, next]
    }
    default:
      throw new Error(`Redis says: ${head}`)
  }
}

/** A connection whose requests do not wait for each other. */
class Client {
  private readonly socket: Socket
  /** Who is answered next: as many as are under way, a few dozen. */
  private readonly waiting: Array<(reply: Reply) => void> = []
  private rest = ""

  constructor(socket: Socket) {
    this.socket = socket.setNoDelay(true).setEncoding("latin1")
    socket.on("data", (more: string) => this.heard(more))
  }
  send(words: ReadonlyArray<string | number>, then: (reply: Reply) => void = () => {}): void {
    this.waiting.push(then)
    this.socket.write(`*${words.length}\r\n${words.map((word) => `$${`${word}`.length}\r\n${word}\r\n`).join("")}`)
  }
  private heard(more: string): void {
    const text = this.rest + more
    let at = 0
    for (let one = read(text, at); one !== undefined; one = read(text, at)) {
      at = one[1]
      this.waiting.shift()!(one[0])
    }
    this.rest = text.slice(at)
  }
}

const borrowing = `
local object = redis.call('LPOP', KEYS[1])
if not object then return nil end
local fence = redis.call('INCR', KEYS[2])
redis.call('ZADD', KEYS[3], ARGV[1], fence)
redis.call('HSET', KEYS[4], fence, object)
return {object, fence}`

const returning = `
local object = redis.call('HGET', KEYS[4], ARGV[1])
if not object then return 0 end
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('RPUSH', KEYS[1], object)`

const names = ["free", "fence", "due", "lent"]

/** A server that keeps nothing, and a key of it that is borrowed and given back; nobody waits for the second. */
export const redis = Effect.gen(function*() {
  if (!isThere()) return undefined
  const port = yield* Effect.promise(freePort)
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], {
        stdio: "ignore"
      })
    ),
    (child) =>
      Effect.promise(async () => {
        const ended = once(child, "exit")
        child.kill("SIGKILL")
        await ended
      })
  )
  const opened = Effect.tryPromise(async () => {
    const socket = connect(port, "127.0.0.1")
    await once(socket, "connect")
    return socket
  })
  const socket = yield* Effect.acquireRelease(
    Effect.retry(opened, { times: 100, schedule: Schedule.spaced("50 millis") }),
    (socket) => Effect.sync(() => socket.destroy())
  )
  const client = new Client(socket)
  const ask = (...words: ReadonlyArray<string | number>) =>
    Effect.callback<Reply>((resume) => client.send(words, (reply) => resume(Effect.succeed(reply))))
  const borrow = String(yield* ask("SCRIPT", "LOAD", borrowing))
  const giveBack = String(yield* ask("SCRIPT", "LOAD", returning))
  return {
    /** Puts in so many keys. */
    fill: (many: number) =>
      ask(
        "RPUSH",
        "free",
        ...Array.from({ length: many }, (_, n) => JSON.stringify({ key: `key ${n}`, endpoint: "https://api.invalid" }))
      ),
    cycle: Effect.map(
      Effect.suspend(() => ask("EVALSHA", borrow, 4, ...names, Math.round(performance.now()) + 10_000)),
      (reply) => {
        const [object, fence] = reply as readonly [string, number]
        client.send(["EVALSHA", giveBack, 4, ...names, fence])
        return JSON.parse(object) as unknown
      }
    )
  }
})
