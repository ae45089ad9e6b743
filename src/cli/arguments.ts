// Reads a command line strictly: an unknown flag, a flag without its value and a stray word are mistakes, each told with
// what was probably meant.
import { parseArgs } from "node:util";
import { nearestName } from "../config/nearest.ts";
import type { FlagValues } from "../config/layers.ts";
import type { CommandFlag } from "./command.ts";

/** The command line is wrong. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

export interface ParsedArguments {
  readonly help: boolean;
  readonly values: FlagValues;
}

/**
 * Reads `--flag VALUE` and `--flag=VALUE`; a flag given several times keeps all its values.
 * @throws UsageError at the first mistake.
 */
export function parseArguments(args: readonly string[], flags: readonly CommandFlag[]): ParsedArguments {
  const known = new Set(flags.map(({ flag }) => flag));
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h" },
      ...Object.fromEntries(flags.map(({ flag }) => [flag, { type: "string", multiple: true } as const])),
    },
    // Lenient, for its own errors name neither the nearest flag nor what a flag takes.
    strict: false,
    tokens: true,
  });
  let help = false;
  const values: Record<string, string[]> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") throw new UsageError(`Unexpected argument ${token.value}.`);
    if (token.name === "help") help = true;
    else if (!known.has(token.name))
      throw new UsageError(describeUnknownFlag(token.rawName, [...known, "help", "version"]));
    else values[token.name] = [...(values[token.name] ?? []), valueOf(token, flags)];
  }
  return { help, values };
}

function valueOf(
  token: { readonly name: string; readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
  flags: readonly CommandFlag[],
): string {
  const { value } = token;
  // `--host --port 80`: the next flag is no value, unless it was written as `--host=--port`.
  const isNextFlag = token.inlineValue !== true && value?.startsWith("--") === true;
  if (value === undefined || value === "" || isNextFlag) {
    const { placeholder = "VALUE" } = flags.find(({ flag }) => flag === token.name) ?? {};
    throw new UsageError(`--${token.name} needs a value: --${token.name} ${placeholder}.`);
  }
  return value;
}

function describeUnknownFlag(written: string, known: readonly string[]): string {
  const nearest = nearestName(written.replace(/^-+/, ""), known);
  return `Unknown flag ${written}.${nearest === null ? "" : ` Did you mean --${nearest}?`}`;
}
