// Runs a command inside the test and captures its output.
import { runProgram } from "../../../src/cli/program.ts";
import { plainPalette, type Terminal } from "../../../src/cli/terminal.ts";

export interface Captured {
  readonly exitCode: number;
  readonly printed: string;
  readonly warned: string;
}

export async function runCommandLine(
  args: readonly string[],
  { cwd = "/", environment = {} }: { readonly cwd?: string; readonly environment?: Record<string, string> } = {},
): Promise<Captured> {
  const printed: string[] = [];
  const warned: string[] = [];
  const terminal: Terminal = {
    print: (text) => void printed.push(text),
    warn: (text) => void warned.push(text),
    palette: plainPalette,
  };
  const exitCode = await runProgram(args, { cwd, environment, terminal });
  return { exitCode, printed: printed.join("\n"), warned: warned.join("\n") };
}
