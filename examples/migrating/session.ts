/** What the programs of this folder pool: sessions of a small server, which answers each line in capitals. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { createInterface } from "node:readline"

export interface Session {
  readonly ask: (line: string) => Promise<string>
  /** Has the connection broken, or been closed? */
  readonly dead: () => boolean
  readonly end: () => Promise<void>
}

/** Runs a program beside its server. */
export const withServer = async (program: (open: () => Promise<Session>) => Promise<void>): Promise<void> => {
  const server = createServer((socket) => {
    createInterface(socket).on("line", (line) => socket.write(`${line.toUpperCase()}\n`))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  try {
    await program(() => open((server.address() as AddressInfo).port))
  } finally {
    server.close()
  }
}

const open = (port: number): Promise<Session> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(session(socket)))
    socket.on("error", reject)
  })

const session = (socket: Socket): Session => {
  const lines = createInterface(socket)
  return {
    ask: (line) =>
      new Promise((resolve) => {
        lines.once("line", resolve)
        socket.write(`${line}\n`)
      }),
    dead: () => socket.destroyed,
    end: () => new Promise((resolve) => socket.end(resolve))
  }
}
