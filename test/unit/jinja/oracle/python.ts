// A process of Python that renders templates with jinja2 (scripts/jinja-oracle/render.py), one after the other.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { resolve } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { requirement, type Requirement } from "../../../support/skips/requires.ts";

const variable = "JINJA_ORACLE_PYTHON";
const script = resolve(import.meta.dirname, "../../../../scripts/jinja-oracle/render.py");

/** What a test needs that compares with Python. */
export const python: Requirement = requirement(
  process.env[variable] !== undefined,
  `${variable}: a Python with jinja2 3.1.6`,
);

export type Answer = { readonly output: string } | { readonly error: string; readonly message: string };

export class PythonOracle {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#process = spawn(process.env[variable] ?? "python3", [script]);
    const lines: Interface = createInterface({ input: this.#process.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async render(template: string, variables: unknown): Promise<Answer> {
    this.#process.stdin.write(`${JSON.stringify({ template, variables })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("Python has ended");
    return JSON.parse(line.value) as Answer;
  }

  close(): void {
    this.#process.stdin.end();
  }
}
