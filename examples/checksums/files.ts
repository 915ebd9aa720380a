/**
 * The files to hash, and the file of checksums, in the format that `sha256sum --check` reads.
 */
import { Array as Arr, Effect, FileSystem, Option, Order, Path, Schema } from "effect"
import type { PlatformError } from "effect"
import { getSystemErrorMessage } from "node:util"

/** The path as a person gives it, quoted, so that a name with a line break does not break the line. */
export class CannotRead extends Schema.TaggedError<CannotRead>()("CannotRead", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `cannot read ${JSON.stringify(this.path)}: ${this.reason}`
  }
}

class CannotWrite extends Schema.TaggedError<CannotWrite>()("CannotWrite", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `cannot write ${JSON.stringify(this.path)}: ${this.reason}`
  }
}

export interface HashableFile {
  /** Relative to the current folder. */
  readonly path: string
  readonly size: number
}

/** Every regular file under a folder but `except`, sorted by path. Symbolic links are not followed. */
export const listFiles = Effect.fnUntraced(function*(folder: string, except: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path

  const listFolder = (folder: string): Effect.Effect<ReadonlyArray<HashableFile>, CannotRead> =>
    fs.readDirectoryEntries(folder).pipe(
      Effect.mapError(cannotRead(path.relative("", folder))),
      Effect.flatMap(Effect.forEach(({ name, type }) => listEntry(path.join(folder, name), type))),
      Effect.map((lists) => lists.flat())
    )
  const listEntry = (entry: string, type: FileSystem.File.Type) => {
    if (type === "Directory") return listFolder(entry)
    return type === "File" && entry !== except ? listFile(entry) : Effect.succeed([])
  }
  const listFile = (file: string) =>
    fs.stat(file).pipe(
      Effect.mapError(cannotRead(path.relative("", file))),
      Effect.map(({ size }) => [{ path: path.relative("", file), size: Number(size) }])
    )

  const root = yield* Effect.mapError(fs.realPath(folder), cannotRead(folder))
  return Arr.sort(yield* listFolder(root), byPath)
})

const byPath = Order.mapInput(Order.String, (file: HashableFile) => file.path)

/** A line as `sha256sum` writes it: a name with a backslash or a line break is escaped, and a leading backslash says so. */
export const formatLine = (sha256: string, path: string): string => {
  const escaped = path.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r")
  return `${escaped === path ? "" : "\\"}${sha256}  ${escaped}\n`
}

export interface Output {
  /** As the person named it. */
  readonly name: string
  /** Where that really is. */
  readonly target: string
}

/** An output is a regular file, or nothing yet: `/dev/null` must not be replaced. */
export const resolveOutput = Effect.fnUntraced(function*(name: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const target = yield* Effect.orElseSucceed(fs.realPath(name), () => path.resolve(name))
  const found = yield* fs.stat(target).pipe(
    Effect.asSome,
    Effect.catchReason("PlatformError", "NotFound", () => Effect.succeedNone),
    Effect.mapError(cannotWrite(name))
  )
  if (Option.isSome(found) && found.value.type !== "File") {
    return yield* new CannotWrite({ path: name, reason: "not a regular file" })
  }
  const output: Output = { name, target }
  return output
})

/** A file that is replaced as a whole or not at all. That it cannot be written is found out now, not after the work. */
export const openOutput = Effect.fnUntraced(function*({ name, target }: Output) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const temporary = yield* fs.makeTempFileScoped({ directory: path.dirname(target), prefix: ".checksums-" }).pipe(
    Effect.mapError(cannotWrite(name))
  )
  return {
    replaceWith: (text: string) =>
      fs.writeFileString(temporary, text).pipe(
        Effect.andThen(fs.rename(temporary, target)),
        Effect.mapError(cannotWrite(name))
      )
  }
})

const cannotRead = (path: string) => (error: PlatformError.PlatformError) =>
  new CannotRead({ path, reason: reasonOf(error) })

const cannotWrite = (path: string) => (error: PlatformError.PlatformError) =>
  new CannotWrite({ path, reason: reasonOf(error) })

/** The words of the operating system, as other tools show them. */
const reasonOf = ({ message, reason: { cause } }: PlatformError.PlatformError): string =>
  cause instanceof Error && "errno" in cause && typeof cause.errno === "number"
    ? getSystemErrorMessage(cause.errno)
    : message
