/**
 * A set of small whole numbers: a tree of bit sets, 32 to a word, so that the next member after a number is found in a
 * step for every power of 32.
 */
export class Bits {
  /** `levels[0]` has a bit for each number, `levels[n + 1]` one for each word of `levels[n]`; the last has one word. */
  private readonly levels: Array<Array<number>> = [[0]]

  add(member: number): void {
    let index = member
    for (let level = 0; level < this.levels.length; level++) {
      const words = this.levels[level]!
      const word = index >>> 5
      while (words.length <= word) words.push(0)
      words[word]! |= 1 << (index & 31)
      if (words.length > 1 && level + 1 === this.levels.length) this.levels.push([words[0] === 0 ? 0 : 1])
      index = word
    }
  }

  delete(member: number): void {
    let index = member
    for (const words of this.levels) {
      const word = index >>> 5
      words[word]! &= ~(1 << (index & 31))
      if (words[word] !== 0) return
      index = word
    }
  }

  /** The first member that is at least `least`: up to a level that has one, then down to it. */
  from(least: number): number | undefined {
    let index = least
    let level = 0
    for (;;) {
      const words = this.levels[level]
      if (words === undefined) return undefined
      const bits = (words[index >>> 5] ?? 0) & (-1 << (index & 31))
      if (bits !== 0) {
        index = (index & ~31) | lowest(bits)
        break
      }
      index = (index >>> 5) + 1
      level++
    }
    while (level > 0) {
      level--
      index = (index << 5) | lowest(this.levels[level]![index]!)
    }
    return index
  }
}

const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits)
