// The command `hearth`: finds the subcommand, imports it only then, and turns everything into text and an exit code.
import { nearestName } from "../config/nearest.ts";
import { version } from "../version.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import type { CommandContext, RunCommand } from "./command.ts";
import { configurationFlags, sourceFlags } from "./configuration-flags.ts";
import { describeFailure, exitCodes } from "./failures.ts";
import { formatHelp } from "./help.ts";

interface Subcommand {
  readonly summary: string;
  readonly flags: typeof configurationFlags;
  readonly load: () => Promise<RunCommand>;
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  serve: {
    summary: "Start the server (the default).",
    flags: configurationFlags,
    load: async () => (await import("./serve.ts")).runServe,
  },
  "check-config": {
    summary: "Check the configuration and print what it amounts to.",
    flags: configurationFlags,
    load: async () => (await import("./check-config.ts")).runCheckConfig,
  },
  models: {
    summary: "List the configured models and whether their files are in place.",
    flags: sourceFlags,
    load: async () => (await import("./models.ts")).runModels,
  },
};

const defaultName = "serve";

/** Runs the command line without its first two words; answers the exit code. Never throws. */
export async function runProgram(args: readonly string[], context: Omit<CommandContext, "flags">): Promise<number> {
  const { terminal } = context;
  try {
    if (args[0] === "--version" || args[0] === "-v") {
      terminal.print(version);
      return 0;
    }
    const { name, subcommand, rest } = findSubcommand(args);
    const { help, values } = parseArguments(rest, subcommand.flags);
    if (help) {
      terminal.print(describeHelp(name, { subcommand, context }));
      return 0;
    }
    const run = await subcommand.load();
    return await run({ ...context, flags: values });
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.warn(`${error.message} See hearth --help.`);
      return exitCodes.usage;
    }
    const { message, exitCode } = describeFailure(error);
    terminal.warn(message);
    return exitCode;
  }
}

function findSubcommand(args: readonly string[]): {
  readonly name: string;
  readonly subcommand: Subcommand;
  readonly rest: readonly string[];
} {
  const [first = defaultName] = args;
  const isNamed = args.length > 0 && !first.startsWith("-");
  const name = isNamed ? first : defaultName;
  const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand !== undefined) return { name, subcommand, rest: isNamed ? args.slice(1) : args };
  const nearest = nearestName(name, Object.keys(subcommands));
  const hint =
    nearest === null ? `The commands are ${Object.keys(subcommands).join(", ")}.` : `Did you mean ${nearest}?`;
  throw new UsageError(`Unknown command ${name}. ${hint}`);
}

function describeHelp(
  name: string,
  { subcommand, context }: { readonly subcommand: Subcommand; readonly context: Omit<CommandContext, "flags"> },
): string {
  const { palette } = context.terminal;
  const { flags, summary } = subcommand;
  if (name !== defaultName) return formatHelp({ summary, usage: [`hearth ${name} [flags]`], flags, palette });
  return formatHelp({
    summary: `Hearth ${version}: an OpenAI-compatible server for models on this machine.`,
    usage: ["hearth [serve] [flags]", "hearth COMMAND [flags]", "hearth --version"],
    commands: Object.entries(subcommands).map(([command, { summary }]) => [command, summary]),
    flags,
    closing: [
      "Brackets name the variable and the place in the configuration file. Flags win over variables, variables over the file.",
      "Exit codes: 0 ended as asked, 1 failed, 2 wrong command line, 3 wrong configuration, 4 address not available.",
    ],
    palette,
  });
}
