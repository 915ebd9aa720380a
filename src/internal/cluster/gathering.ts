/**
 * Writes that come in one turn of the event loop go out as one: each call of the operating system costs as much as all else
 * that is done for a message. The turn's end is what the fiber's scheduler takes for it, behind what has been read already:
 * a message alone waits for nothing.
 *
 * Invariants:
 * - What is written goes out in its order, whole messages at a time.
 * - At most one write is under way below. While one is, or a turn has not ended, `pending` gathers what comes.
 * - Whoever writes while more than `most` is pending waits until it has gone out.
 * - Where a peer is not read while it does not read itself, what is written to it is bounded: by `most`, and by what answers
 *   what was read from it last.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Socket from "effect/socket/Socket"

type Writer = Effect.Success<Socket.Socket["writer"]>

/** How many characters may be pending before whoever writes has to wait. */
const most = 1_000_000

class Gathering {
  private readonly below: Writer
  private pending: Array<string> = []
  private size = 0
  private state: "idle" | "gathering" | "writing" = "idle"
  /** Those who wait until what is pending has gone out. */
  private waiting: Array<(exit: Exit.Exit<void, Socket.SocketError>) => void> = []

  constructor(below: Writer) {
    this.below = below
  }

  write(text: string): Effect.Effect<void, Socket.SocketError> {
    return Effect.withFiber((fiber) => {
      this.pending.push(text)
      this.size += text.length
      if (this.state === "idle") {
        this.state = "gathering"
        fiber.currentDispatcher.scheduleTask(() => {
          if (this.state === "gathering") this.send()
        }, 0)
      }
      return this.size > most ? this.drained : Effect.void
    })
  }

  /** Ends when what is pending has gone out. */
  get flushed(): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => this.pending.length === 0 ? Effect.void : this.drained)
  }

  get isFull(): boolean {
    return this.size > most
  }

  end(): void {
    if (this.state === "gathering") this.send()
  }

  private get drained(): Effect.Effect<void, Socket.SocketError> {
    return Effect.callback((resume) => {
      this.waiting.push(resume)
      if (this.state === "gathering") this.send()
    })
  }

  /** A write that fails is told to who waits for it, and else to nobody: whoever reads learns how the connection has ended. */
  private send(): void {
    const text = this.pending.length === 1 ? this.pending[0]! : this.pending.join("")
    const waiting = this.waiting
    this.pending = []
    this.size = 0
    this.waiting = []
    this.state = "writing"
    Effect.runFork(this.below.write(text)).addObserver((exit) => {
      if (this.pending.length > 0) this.send()
      else this.state = "idle"
      for (const resume of waiting) resume(exit)
    })
  }
}

/**
 * The same socket, whose writes are gathered. With `closed`, which ends as the connection does, a peer that does not read what
 * it has asked for is not read either: else it could have a server keep any amount of answers. On one side alone, or both
 * may wait for each other.
 */
export const gathering = (socket: Socket.Socket, closed?: Effect.Effect<void>): Socket.Socket => {
  let current: Gathering | undefined
  const reading = (pull: Socket.Reader["pull"]): Socket.Reader["pull"] =>
    Effect.suspend(() =>
      closed === undefined || current?.isFull !== true
        ? pull
        : Effect.andThen(Effect.raceFirst(Effect.ignore(current.flushed), closed), pull)
    )
  return Socket.make({
    reader: Effect.map(socket.reader, (reader) => ({ ...reader, pull: reading(reader.pull) })),
    writer: Effect.gen(function*() {
      const below = yield* socket.writer
      const gathering = current = new Gathering(below)
      // before the socket is ended, what was written goes out; where that is not open any more, nobody waits for it
      yield* Effect.addFinalizer(() => Effect.sync(() => gathering.end()))
      return {
        write: (chunk) => {
          if (typeof chunk === "string") return gathering.write(chunk)
          // an end does not wait for a peer that reads nothing
          const before = Socket.isCloseEvent(chunk) ? Effect.sync(() => gathering.end()) : gathering.flushed
          return Effect.andThen(before, below.write(chunk))
        },
        writeAll: (chunks) => Effect.andThen(gathering.flushed, below.writeAll(chunks))
      }
    })
  })
}
