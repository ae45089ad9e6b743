// What a subcommand is, apart from the library that reads the command line.
import type { Environment, FlagValues } from "../config/layers.ts";
import type { Terminal } from "./terminal.ts";

/** One `--flag VALUE` of a command. */
export interface CommandFlag {
  /** Without its dashes. */
  readonly flag: string;
  readonly placeholder: string;
  readonly description: string;
  /** May be given more than once. */
  readonly repeatable: boolean;
  /** Where else the value can be set, and what it is when it is not: shown after the description. */
  readonly note: string;
}

export interface CommandContext {
  readonly flags: FlagValues;
  readonly environment: Environment;
  readonly cwd: string;
  readonly terminal: Terminal;
}

/** Does the command's work; answers the exit code. */
export type RunCommand = (context: CommandContext) => Promise<number>;
