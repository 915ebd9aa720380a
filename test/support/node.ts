import { execFile } from "node:child_process"

/** Runs Node with these arguments in a process of its own; rejects with what it printed unless it ends well. */
export const node = (args: ReadonlyArray<string>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, args, { signal }, (error, stdout, stderr) => {
      if (error === null) {
        resolve()
      } else {
        reject(new Error(`${error.message.split("\n")[0]}\n${stdout}${stderr}`))
      }
    })
  })

/** Type-checks a project, and rejects with the report of the compiler. */
export const typeCheck = (project: string, signal: AbortSignal): Promise<void> =>
  node(["node_modules/typescript/bin/tsc", "--noEmit", "-p", project], signal)
