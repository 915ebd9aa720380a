/**
 * What runs in a worker thread: it answers one message with one message. It knows nothing of pools, and imports nothing
 * but Node's own modules, so that a thread starts fast.
 */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { getSystemErrorMessage } from "node:util"
import { parentPort } from "node:worker_threads"

/** How a job may be made to go wrong, on purpose. */
export type Sabotage = "exit" | "throw" | "hang"

export type Request =
  | { readonly _tag: "Ping" }
  | { readonly _tag: "Hash"; readonly path: string; readonly sabotage: Sabotage | undefined }

export type Answer =
  | { readonly _tag: "Pong" }
  | { readonly _tag: "Digest"; readonly sha256: string; readonly bytes: number }
  | { readonly _tag: "Unreadable"; readonly reason: string }

/** A request and its answer carry the same number. */
export type Numbered<A> = A & { readonly id: number }

parentPort?.on("message", (request: Numbered<Request>) => {
  if (request._tag === "Hash" && request.sabotage !== undefined) sabotage(request.sabotage)
  void answer(request).then((answer) => parentPort?.postMessage({ ...answer, id: request.id }))
})

async function answer(request: Request): Promise<Answer> {
  if (request._tag === "Ping") return { _tag: "Pong" }
  try {
    return await digest(request.path)
  } catch (error) {
    return { _tag: "Unreadable", reason: reasonOf(error) }
  }
}

async function digest(path: string): Promise<Answer> {
  const hash = createHash("sha256")
  let bytes = 0
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { _tag: "Digest", sha256: hash.digest("hex"), bytes }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return "errno" in error && typeof error.errno === "number" ? getSystemErrorMessage(error.errno) : error.message
}

function sabotage(how: Sabotage): void {
  switch (how) {
    case "exit":
      return process.exit(1)
    case "throw":
      throw new Error("sabotage")
    case "hang":
      // no message reaches a thread that blocks, which takes no core from the others meanwhile
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
}
