/**
 * What a shared pool is declared by: its schemas, as codecs from and to JSON, and a fingerprint of them.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A schema that needs no services. */
type Codec<A> = Schema.Codec<A, unknown>

export interface Schemas<A, D, E, N> {
  readonly object: Codec<A>
  readonly data?: Codec<D> | undefined
  readonly error?: Codec<E> | undefined
  readonly need?: Codec<N> | undefined
  readonly classes?: ReadonlyArray<string> | undefined
}

/** What a codec makes of a value; `undefined`: it does not, or has thrown, and nothing of the value is to be told. */
export interface Coder<A> {
  readonly encode: (value: A) => { readonly json: Schema.Json } | undefined
  readonly decode: (json: Schema.Json | undefined) => { readonly value: A } | undefined
}

const coder = <A>(schema: Codec<A>): Coder<A> => {
  const codec = Schema.toCodecJson(schema)
  const encode = Schema.encodeUnknownResult(codec)
  const decode = Schema.decodeUnknownResult(codec)
  return {
    encode: (value) => {
      try {
        const result = encode(value)
        return Result.isSuccess(result) ? { json: result.success as Schema.Json } : undefined
      } catch {
        return undefined
      }
    },
    decode: (json) => {
      try {
        const result = decode(json)
        return Result.isSuccess(result) ? { value: result.success } : undefined
      } catch {
        return undefined
      }
    }
  }
}

export interface Definition<A, D, E, N> {
  readonly name: string
  readonly object: Coder<A>
  /** Absent: the objects carry none. */
  readonly data: Coder<D> | undefined
  /** Absent: `acquire` does not fail. */
  readonly error: Coder<E> | undefined
  /** Absent: a borrower may not ask for any. */
  readonly need: Coder<N> | undefined
  /** What a borrower may call himself. That of host and borrower may differ, as while one of them is the newer. */
  readonly classes: ReadonlyArray<string>
  /** The same for the same schemas, in any process. */
  readonly fingerprint: string
}

export const define = <A, D, E, N>(name: string, schemas: Schemas<A, D, E, N>): Definition<A, D, E, N> => ({
  name,
  object: coder(schemas.object),
  data: schemas.data && coder(schemas.data),
  error: schemas.error && coder(schemas.error),
  need: schemas.need && coder(schemas.need),
  classes: schemas.classes ?? [],
  fingerprint: fingerprint(
    [schemas.object, schemas.data, schemas.error, schemas.need] as ReadonlyArray<Schema.Top | undefined>
  )
})

/** What is said of a schema for people, and does not change what it takes: texts, where a field of that name has a record. */
const isForPeople = (key: string, value: unknown): boolean =>
  (key === "title" || key === "description") && typeof value === "string"

/** What a schema takes, as text. One that cannot say it is known by its kind alone. */
const shape = (schema: Schema.Top | undefined): unknown => {
  if (schema === undefined) return null
  try {
    return Schema.toJsonSchemaDocument(Schema.toCodecJson(schema))
  } catch {
    return schema.ast._tag
  }
}

const fingerprint = (schemas: ReadonlyArray<Schema.Top | undefined>): string =>
  hash(JSON.stringify(schemas.map(shape), (key, value: unknown) => isForPeople(key, value) ? undefined : value))

/** 53 bits by the multiplications of cyrb53 (bryc, public domain): it tells schemas apart, and keeps no secret. */
const hash = (text: string): string => {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36)
}
