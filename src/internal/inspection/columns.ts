/** How many columns of a terminal a text takes. What a terminal might take for wider is counted so: a line is never too long. */

/** East Asian wide and full-width characters. */
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
/** They are drawn over what stands before. */
const combining = /[\p{Mn}\p{Me}]/u
/** It turns a sign into a picture, which is wider. */
const asPicture = "\ufe0f"

const columnsOf = (character: string): number => {
  const code = character.codePointAt(0)!
  if (code < 0x300 || character === asPicture) return 1
  if (combining.test(character)) return 0
  return wide.some(([from, to]) => code >= from && code <= to) || emoji.test(character) ? 2 : 1
}

/** How much of a text fits in so many columns, and how many it takes. Of marks on one character no more than four are kept. */
export const cut = (text: string, columns: number): readonly [text: string, taken: number] => {
  let kept = ""
  let taken = 0
  let marks = 0
  for (const character of text) {
    const width = columnsOf(character)
    if (taken + width > columns) break
    marks = width === 0 ? marks + 1 : 0
    if (marks > 4) continue
    kept += character
    taken += width
  }
  return [kept, taken]
}
