/** What a key is called where others may read it: nothing where nobody knows what it is, as it may be a secret. */
export const nameOfKey = (key: unknown): string | undefined => {
  switch (typeof key) {
    case "string":
      return plain.test(key) ? key : undefined
    case "number":
    case "bigint":
    case "boolean":
      return String(key)
    default:
      return undefined
  }
}

/** A word or two: no address with a password, and seldom a token, looks like that. */
const plain = /^[\w.:-]{1,24}$/
