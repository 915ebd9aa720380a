/**
 * How the command line tells what goes wrong: in one line, and without the help.
 */
import { Console, Layer } from "effect"
import { CliOutput } from "effect/cli"

const terse = (error: Error) => `checksums: ${error.message.replaceAll(/\s+/g, " ")}`

const { formatHelpDoc, formatVersion } = CliOutput.defaultFormatter()

const formatter: CliOutput.Formatter = {
  formatHelpDoc,
  formatVersion,
  formatError: terse,
  formatCliError: terse,
  formatErrors: (errors) => errors.map(terse).join("\n")
}

const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(formatter.formatErrors(event.errors))
      : CliOutput.defaultPresenter.present(event)
}

export const terseOutput = Layer.merge(CliOutput.layer(formatter), CliOutput.layerPresenter(presenter))
