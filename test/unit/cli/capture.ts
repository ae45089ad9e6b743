// Runs a command inside the test and captures its output.
import { runProgram } from "../../../src/cli/program.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { plainPalette, type Terminal } from "../../../src/cli/terminal.ts";

export interface Captured {
  readonly exitCode: number;
  readonly printed: string;
  readonly warned: string;
}

export interface CommandLineOptions {
  readonly cwd?: string;
  readonly environment?: Record<string, string>;
  /** What the user answers to every question; left out = nobody is there to answer. */
  readonly answer?: string;
}

/** A home without models, so that those of the developer's machine are not found. */
const emptyHome = temporaryFolder("home");

export async function runCommandLine(
  args: readonly string[],
  { cwd = "/", environment = {}, answer }: CommandLineOptions = {},
): Promise<Captured> {
  const printed: string[] = [];
  const warned: string[] = [];
  const terminal: Terminal = {
    print: (text) => void printed.push(text),
    warn: (text) => void warned.push(text),
    palette: plainPalette,
    live: null,
    ask: answer === undefined ? null : () => Promise.resolve(answer),
  };
  const exitCode = await runProgram(args, { cwd, environment: { HOME: emptyHome, ...environment }, terminal });
  return { exitCode, printed: printed.join("\n"), warned: warned.join("\n") };
}
