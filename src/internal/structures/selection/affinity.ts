/**
 * Rendezvous hashing: of any set of ids, a text gives itself to the one that scores highest for it. Where one leaves, only
 * the texts that were its own move; where one joins, only those that become its own.
 *
 * Source: Thaler and Ravishankar, "A name-based mapping scheme for rendezvous" (1996). The text is hashed by FNV-1a, and
 * mixed with an id by the finalizer of MurmurHash3, both of 32 bits and in the public domain.
 */

/** Scores ids for a text, from 0 to 2³² − 1. */
export const scoreOf = (text: string): (id: number) => number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (id) => mix(hash ^ mix(id))
}

const mix = (value: number): number => {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
