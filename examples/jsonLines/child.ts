/**
 * A program of somebody else's that speaks JSON lines: it factors the number of each request into primes.
 *
 * It has the faults of such programs. A negative number ends it, zero sends it round for ever, and at a fraction it talks
 * to itself on the channel that its answers go by. It ends by itself when nobody can ask it any more.
 */
import { createInterface } from "node:readline"

interface Request {
  readonly id: number
  readonly number?: number
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, number } = JSON.parse(line) as Request
  console.log(JSON.stringify(number === undefined ? { id } : { id, factors: factors(number) }))
}

/** Each prime with its exponent. */
function factors(number: number): ReadonlyArray<readonly [prime: number, exponent: number]> {
  if (number < 0) throw new Error("unexpected negative number")
  if (!Number.isInteger(number)) console.log(`DEBUG how do I factor ${number}?`)
  const found: Array<readonly [number, number]> = []
  let rest = number
  for (let factor = 2; rest !== 1; factor = factor * factor > rest ? rest : factor + 1) {
    let exponent = 0
    for (; rest % factor === 0; exponent++) rest /= factor
    if (exponent > 0) found.push([factor, exponent])
  }
  return found
}
