/** The table at the end. */
import type { Account } from "./account.ts"
import { type Incident, shown } from "./incidents.ts"

export interface Outcome {
  readonly incidents: ReadonlyArray<Incident>
  readonly accounts: ReadonlyArray<Account>
  /** Leases that the host still had when all borrowers had stopped. */
  readonly leases: number
  /** Processes that did not stop when they were told to. */
  readonly processes: number
}

const sum = (accounts: ReadonlyArray<Account>, of: (account: Account) => number) =>
  String(accounts.reduce((sum, account) => sum + of(account), 0))

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  return rows
    .map((row) => row.map((cell, at) => at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)).join("  "))
    .join("\n")
}

export const report = ({ accounts, incidents, leases, processes }: Outcome): string =>
  [
    table([
      ["", "keys to hand on", "all in use after", "leases lost"],
      ...incidents.map(({ keys, lost, took, what }) => [
        what,
        String(keys),
        took === undefined ? "never" : shown(took),
        String(lost)
      ])
    ]),
    table([
      ["by key", ...accounts.map(({ name }) => name), "all"],
      ["leases", ...accounts.map(({ leases }) => String(leases.length)), sum(accounts, ({ leases }) => leases.length)],
      ...([
        ["requests answered", "answered"],
        ["refused for an old fence", "stale"],
        ["refused for too many in a second", "tooMany"],
        ["with two holders of one key at once", "shared"]
      ] as const).map(([what, count]) => [
        what,
        ...accounts.map((account) => String(account[count])),
        sum(accounts, (account) => account[count])
      ])
    ]),
    table([
      ["leases left when all borrowers had stopped", String(leases)],
      ["processes that did not stop when told to", String(processes)]
    ])
  ].join("\n\n")

/** Has everything been as it is promised? A process that wakes may send what is refused. */
export const isKept = ({ accounts, incidents, leases, processes }: Outcome): boolean =>
  leases === 0 && processes === 0 && incidents.every(({ took }) => took !== undefined) &&
  accounts.every(({ shared }) => shared === 0)
