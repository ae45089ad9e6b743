// The output of a command: standard output, standard error, and colours where the terminal has them.
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";

export interface Terminal {
  /** Writes a line of the command's result to standard output. */
  readonly print: (text: string) => void;
  /** Writes a message to standard error. */
  readonly warn: (text: string) => void;
  readonly palette: Palette;
  /** Standard error where it is a terminal whose lines can be rewritten, for a progress bar; `null` = plain lines. */
  readonly live: NodeJS.WriteStream | null;
  /** Asks a question on the terminal and resolves with the answer; `null` = nobody can answer. */
  readonly ask: ((question: string) => Promise<string>) | null;
}

export interface Palette {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

const plain = (text: string): string => text;
export const plainPalette: Palette = { strong: plain, faint: plain, good: plain, bad: plain };

const colourPalette: Palette = {
  strong: (text) => styleText("bold", text),
  faint: (text) => styleText("dim", text),
  good: (text) => styleText("green", text),
  bad: (text) => styleText("red", text),
};

/** The process's own terminal; colours only on a real one, and not where NO_COLOR is set (no-color.org). */
export function processTerminal(): Terminal {
  const { NO_COLOR: noColor, TERM: term } = process.env;
  const colours = process.stdout.isTTY && (noColor === undefined || noColor === "") && term !== "dumb";
  for (const stream of [process.stdout, process.stderr]) {
    // The reader of a pipe may leave first (`hearth models | head -1`), which is no error.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return {
    print: (text) => void process.stdout.write(`${text}\n`),
    warn: (text) => void process.stderr.write(`${text}\n`),
    palette: colours ? colourPalette : plainPalette,
    live: process.stderr.isTTY && term !== "dumb" ? process.stderr : null,
    ask: process.stdin.isTTY && process.stderr.isTTY ? askUser : null,
  };
}

async function askUser(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await reader.question(question);
  } finally {
    reader.close();
  }
}

/** Lines of a table, columns two spaces apart, the last one ragged. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
