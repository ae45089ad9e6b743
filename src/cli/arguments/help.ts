// Writes the text of `--help`.
import { Help } from "commander";
import type { CommandFlag, CommandOperand } from "../command.ts";
import { formatTable, type Palette } from "../terminal.ts";

export interface HelpOptions {
  readonly usage: readonly string[];
  readonly summary: string;
  readonly operand?: CommandOperand;
  readonly commands?: readonly (readonly [name: string, summary: string])[];
  readonly flags: readonly CommandFlag[];
  readonly closing?: readonly string[];
  readonly palette: Palette;
}

const indent = "      ";
const width = 100;

export function formatHelp({
  usage,
  summary,
  operand,
  commands = [],
  flags,
  closing = [],
  palette,
}: HelpOptions): string {
  const title = (text: string): string => palette.strong(text);
  const blocks: (readonly string[])[] = [
    wrap(summary, ""),
    [title("Usage"), ...usage.map((line) => `  ${line}`)],
    ...(operand === undefined
      ? []
      : [[title(operand.placeholder), ...operand.description.split("\n").flatMap((line) => wrap(line, "  "))]]),
    ...(commands.length === 0 ? [] : [[title("Commands"), ...formatTable(commands).map((line) => `  ${line}`)]]),
    [title("Flags"), ...flags.flatMap((flag) => formatFlag(flag, palette)), `  --help, -h`, `${indent}This text.`],
    ...(closing.length === 0 ? [] : [closing]),
  ];
  return blocks.map((lines) => lines.join("\n")).join("\n\n");
}

function formatFlag(
  { flag, placeholder, description, repeatable, note, isSwitch = false }: CommandFlag,
  palette: Palette,
): string[] {
  return [
    `  --${flag}${isSwitch ? "" : ` ${placeholder}`}${repeatable ? " (repeatable)" : ""}`,
    ...wrap(description, indent),
    ...(note === "" ? [] : wrap(`[${note}]`, indent).map((line) => palette.faint(line))),
  ];
}

/** Breaks at spaces; a word longer than a line keeps a line of its own. */
function wrap(text: string, prefix: string): string[] {
  return new Help()
    .boxWrap(text, width - prefix.length)
    .split("\n")
    .map((line) => prefix + line);
}
