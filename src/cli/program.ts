// The command `hearth`: finds the subcommand, imports and runs it, and turns any failure into a message and an exit code.
import { Command, CommanderError } from "commander";
import { version } from "../version.ts";
import { addFlags, readFlags, refuseLeftovers, takeOperand, unknownCommand } from "./arguments/arguments.ts";
import type { CommandContext, Subcommand } from "./command.ts";
import { describeFailure, exitCodes } from "./failures.ts";
import { formatHelp } from "./arguments/help.ts";
import { defaultName, subcommands } from "./subcommands.ts";
import { UsageError } from "./arguments/usage-error.ts";

type ProgramContext = Omit<CommandContext, "flags" | "operand">;

/** The values that every command needs while the tree of commands is built. */
interface Building {
  readonly args: readonly string[];
  readonly context: ProgramContext;
  readonly finish: (exitCode: number) => void;
}

/** Runs a command line, given without node and the script's path, and returns the exit code. Never throws. */
export async function runProgram(args: readonly string[], context: ProgramContext): Promise<number> {
  const { terminal } = context;
  let exitCode = 0;
  try {
    const program = createProgram({ args, context, finish: (code) => (exitCode = code) });
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has printed its message already; help and the version are thrown too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    if (error instanceof UsageError) {
      terminal.warn(`${error.message} See hearth --help.`);
      return exitCodes.usage;
    }
    const { message, exitCode: failed } = describeFailure(error);
    terminal.warn(message);
    return failed;
  }
}

function createProgram(building: Building): Command {
  const { terminal } = building.context;
  const program = new Command("hearth")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.warn(text.trimEnd()),
      // The palette has already decided on colours; commander would look at the process's own streams.
      getOutHasColors: () => true,
      getErrHasColors: () => true,
    })
    .helpOption("-h, --help", "This text.")
    .version(version, "-v, --version", "The version.")
    .configureHelp({ formatHelp: () => describeProgram(building.context) });
  addSubcommands(program, { commands: subcommands, building });
  return program;
}

function addSubcommands(
  parent: Command,
  { commands, building }: { readonly commands: Readonly<Record<string, Subcommand>>; readonly building: Building },
): void {
  for (const [name, subcommand] of Object.entries(commands)) {
    const isDefault = name === defaultName;
    const command = parent.command(name, { isDefault }).summary(subcommand.summary);
    addFlags(command, subcommand.flags);
    if (!isDefault) {
      const path = `${parent.name() === "hearth" ? "" : `${parent.name()} `}${name}`;
      command.configureHelp({ formatHelp: () => describeSubcommand(path, { subcommand, context: building.context }) });
    }
    if (subcommand.commands !== undefined) {
      addSubcommands(command, { commands: subcommand.commands, building });
      const names = Object.keys(subcommand.commands);
      command.action(() => refuseGroup(command, names));
      continue;
    }
    command.action(() => runSubcommand(command, { subcommand, building }));
  }
}

async function runSubcommand(
  command: Command,
  { subcommand, building }: { readonly subcommand: Subcommand; readonly building: Building },
): Promise<void> {
  const { args, context, finish } = building;
  const [first] = args;
  // The default command also receives a word that was meant as the name of a command.
  if (command.name() === defaultName && first === command.args[0] && first?.startsWith("-") === false) {
    throw unknownCommand(first, { names: Object.keys(subcommands), noun: "command" });
  }
  const operand = takeOperand(command, subcommand);
  const flags = readFlags(command, subcommand.flags);
  const run = await subcommand.load?.();
  if (run !== undefined) finish(await run({ ...context, flags, operand }));
}

function refuseGroup(command: Command, names: readonly string[]): never {
  const [first] = command.args;
  if (first === undefined) throw new UsageError(`hearth ${command.name()} needs one of ${names.join(", ")}.`);
  if (first.startsWith("-")) refuseLeftovers(command, []);
  throw unknownCommand(first, { names, noun: `${command.name()} command` });
}

function describeProgram({ terminal: { palette } }: ProgramContext): string {
  return formatHelp({
    summary: `Hearth ${version}: an OpenAI-compatible server for models on this machine.`,
    usage: ["hearth [serve] [flags]", "hearth COMMAND [flags]", "hearth --version"],
    commands: Object.entries(subcommands).map(([command, { summary }]) => [command, summary]),
    flags: subcommands[defaultName]?.flags ?? [],
    closing: [
      "Brackets name the variable and the place in the configuration file. Flags win over variables, variables over the file.",
      "Exit codes: 0 ended as asked, 1 failed, 2 wrong command line, 3 wrong configuration, 4 address not available.",
    ],
    palette,
  });
}

function describeSubcommand(
  path: string,
  { subcommand, context }: { readonly subcommand: Subcommand; readonly context: ProgramContext },
): string {
  const { flags, summary, operand, commands = {}, closing = [] } = subcommand;
  const names = Object.entries(commands);
  const words = operand === undefined ? "[flags]" : `${operand.placeholder} [flags]`;
  return formatHelp({
    summary,
    usage: [`hearth ${path} ${names.length === 0 ? words : "COMMAND [flags]"}`],
    ...(operand === undefined ? {} : { operand }),
    commands: names.map(([name, inner]) => [name, inner.summary]),
    flags,
    closing,
    palette: context.terminal.palette,
  });
}
