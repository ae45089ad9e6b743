// Declares our flags to commander and reads them back. Mistakes are refused here, with messages of our own.
import { Option, type Command } from "commander";
import type { FlagValues } from "../../config/layers.ts";
import { nearestName } from "../../util/nearest.ts";
import type { CommandFlag, Subcommand } from "../command.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Adds flags to a command: `--flag VALUE` and `--flag=VALUE`; a flag given several times keeps all its values. Unknown
 * words are left over for {@link refuseLeftovers}: commander's own messages name neither the nearest flag nor, for a
 * missing value, what the flag takes.
 */
export function addFlags(command: Command, flags: readonly CommandFlag[]): Command {
  command.allowUnknownOption().allowExcessArguments();
  for (const { flag, placeholder, description, isSwitch = false } of flags) {
    if (isSwitch) {
      command.addOption(new Option(`--${flag}`, description));
      continue;
    }
    // The value is declared as optional, so that in `--host --port 80` the next flag is not taken for it: a missing value
    // then arrives as the preset, which no value can be.
    const option = new Option(`--${flag} [${placeholder}]`, description).preset("");
    option.argParser<readonly string[] | undefined>((value, previous) => {
      if (value === "") throw new UsageError(`--${flag} needs a value: --${flag} ${placeholder}.`);
      return [...(previous ?? []), value];
    });
    command.addOption(option);
  }
  return command;
}

/** The values of the flags that were given; a switch has the value `true`. */
export function readFlags(command: Command, flags: readonly CommandFlag[]): FlagValues {
  const values: Record<string, readonly string[]> = {};
  for (const { flag } of flags) {
    const option = command.options.find(({ long }) => long === `--${flag}`);
    const value: unknown = option === undefined ? undefined : command.getOptionValue(option.attributeName());
    if (value === true) values[flag] = ["true"];
    else if (value !== undefined) values[flag] = value as readonly string[];
  }
  return values;
}

/**
 * The word that the command takes beside its flags; empty where it takes none.
 * @throws UsageError where it is missing, and for every further word that nothing has taken
 */
export function takeOperand(command: Command, { operand, flags }: Pick<Subcommand, "operand" | "flags">): string {
  const index = operand === undefined ? -1 : command.args.findIndex((word) => !word.startsWith("-"));
  const value = command.args[index] ?? "";
  refuseWords(
    command.args.filter((_, position) => position !== index),
    flags,
  );
  if (operand !== undefined && value === "") {
    throw new UsageError(`hearth ${command.name()} needs ${operand.placeholder}: see hearth ${command.name()} --help.`);
  }
  return value;
}

/** @throws UsageError for the first word that no flag and no command has taken. */
export function refuseLeftovers(command: Command, flags: readonly CommandFlag[]): void {
  refuseWords(command.args, flags);
}

function refuseWords([first]: readonly string[], flags: readonly CommandFlag[]): void {
  if (first === undefined) return;
  if (!first.startsWith("-")) throw new UsageError(`Unexpected argument ${first}.`);
  const [written = first] = first.split("=");
  const nearest = nearestName(written.replace(/^-+/, ""), [...flags.map(({ flag }) => flag), "help", "version"]);
  throw new UsageError(`Unknown flag ${written}.${nearest === null ? "" : ` Did you mean --${nearest}?`}`);
}

/** The error for an unknown word in the place of a command; `noun` is what the `names` are called. */
export function unknownCommand(
  written: string,
  { names, noun }: { readonly names: readonly string[]; readonly noun: string },
): UsageError {
  const nearest = nearestName(written, names);
  const hint = nearest === null ? `The ${noun}s are ${names.join(", ")}.` : `Did you mean ${nearest}?`;
  return new UsageError(`Unknown ${noun} ${written}. ${hint}`);
}
