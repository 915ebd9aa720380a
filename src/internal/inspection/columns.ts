/**
 * How many columns of a terminal a text takes.
 *
 * Terminals do not agree: some add up the widths of all code points, others draw what a reader takes for one character in
 * one place. What is counted here is the larger, so that a line is never too long.
 */

/** East Asian wide and full-width characters, as of Unicode 16. */
const wide: ReadonlyArray<readonly [from: number, to: number]> = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x1b2ff],
  [0x1d300, 0x1d376],
  [0x1f000, 0x1faff],
  [0x20000, 0x3fffd]
]
const emoji = /\p{Emoji_Presentation}/u
/** Drawn over what stands before, or not at all; the vowels and finals of a Korean syllable that is written in parts. */
const drawnOver = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7fb]/u
/** It turns a sign into a picture, which is wider. */
const asPicture = "\ufe0f"

const columnsOf = (sign: string): number => {
  const code = sign.codePointAt(0)!
  if (code < 0x300 || sign === asPicture) return 1
  if (drawnOver.test(sign)) return 0
  return wide.some(([from, to]) => code >= from && code <= to) || emoji.test(sign) ? 2 : 1
}

const characters = new Intl.Segmenter("en", { granularity: "grapheme" })

/** Of all that is written over one sign no more is kept: a text may have any number of marks. */
const mostMarks = 4

/** One character, as a reader sees it, and how many columns it takes. */
const measured = (segment: string): readonly [text: string, width: number] => {
  let kept = ""
  let width = 0
  let marks = 0
  for (const sign of segment) {
    const columns = columnsOf(sign)
    marks = columns === 0 ? marks + 1 : 0
    if (marks > mostMarks) continue
    kept += sign
    width += columns
  }
  return [kept, width]
}

/** How much of a text fits in so many columns: whole characters; how many columns it takes; and whether that is all of it. */
export const cut = (text: string, columns: number): readonly [text: string, taken: number, whole: boolean] => {
  // what is plain needs no looking at
  if (/^[ -~]*$/.test(text)) {
    return text.length <= columns ? [text, text.length, true] : [text.slice(0, columns), columns, false]
  }
  let kept = ""
  let taken = 0
  for (const { segment } of characters.segment(text)) {
    const [character, width] = measured(segment)
    if (taken + width > columns) return [kept, taken, false]
    kept += character
    taken += width
  }
  return [kept, taken, true]
}
