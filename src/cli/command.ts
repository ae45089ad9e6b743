// The types of a subcommand, independent of the library that reads the command line.
import type { Environment, FlagValues } from "../config/layers.ts";
import type { Terminal } from "./terminal.ts";

/** One `--flag VALUE` of a command. */
export interface CommandFlag {
  /** Without its dashes. */
  readonly flag: string;
  /** Name of the value in the help; unused for a switch. */
  readonly placeholder: string;
  readonly description: string;
  /** May be given more than once. */
  readonly repeatable: boolean;
  /** Where else the value can be set, and its default: shown after the description. Empty = nothing is shown. */
  readonly note: string;
  /** Takes no value. @default false */
  readonly isSwitch?: boolean;
}

/** What a command takes beside its flags. */
export interface CommandOperand {
  /** Stands for it in the help. */
  readonly placeholder: string;
  readonly description: string;
}

export interface CommandContext {
  readonly flags: FlagValues;
  /** The value of the command's operand, which is always given; empty for a command without one. */
  readonly operand: string;
  readonly environment: Environment;
  readonly cwd: string;
  readonly terminal: Terminal;
}

/** Does the command's work and returns the exit code. */
export type RunCommand = (context: CommandContext) => Promise<number>;

/** A subcommand with work of its own, or a group of further ones. */
export interface Subcommand {
  readonly summary: string;
  readonly operand?: CommandOperand;
  readonly flags: readonly CommandFlag[];
  /** Imports the work: only the command that runs is read from the disk. */
  readonly load?: () => Promise<RunCommand>;
  /** Further commands by name; a group has no work of its own. */
  readonly commands?: Readonly<Record<string, Subcommand>>;
  /** Last lines of its help. */
  readonly closing?: readonly string[];
}
