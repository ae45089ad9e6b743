// A contender without a server: a process that does the same work by itself and tells its own time. It is asked by one
// line of JSON on its standard input and answers with one line of JSON on its standard output.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";
import { onAbort } from "../../util/abort.ts";
import { killGroup } from "./peer-process.ts";

/** Numbers by name, or what went wrong. */
export type ProcessAnswer = Readonly<Record<string, number>>;

export class MeasuringProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly #exited: Promise<void>;
  readonly #errorLines: string[] = [];

  /** `command` is for a shell. The process is ready when it answers. */
  constructor(command: string) {
    this.#child = spawn(command, { shell: true, detached: true, stdio: "pipe" });
    this.#exited = new Promise((resolve) => this.#child.once("close", () => resolve()));
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    createInterface({ input: this.#child.stderr }).on("line", (line) => {
      this.#errorLines.push(line);
      if (this.#errorLines.length > 8) this.#errorLines.shift();
    });
    // A process that has ended breaks the pipe; that it ended is what `ask` reports.
    this.#child.stdin.on("error", () => undefined);
  }

  get processId(): number {
    return this.#child.pid ?? 0;
  }

  /** One request, one answer, one at a time. @throws Error when the process ends or answers `{ "error": ... }` */
  async ask(request: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<ProcessAnswer> {
    signal.throwIfAborted();
    const unsubscribe = onAbort(signal, () => killGroup(this.#child, "SIGTERM"));
    try {
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
      return await this.#nextAnswer(signal);
    } finally {
      unsubscribe();
    }
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    killGroup(this.#child, "SIGTERM");
    await this.#exited;
  }

  async #nextAnswer(signal: AbortSignal): Promise<ProcessAnswer> {
    for (;;) {
      const { done, value } = await this.#answers.next();
      signal.throwIfAborted();
      if (done === true) {
        // Its last words may still be on their way.
        await this.#exited;
        throw new Error(`The measuring process ended: ${this.#errorLines.join("\n")}`);
      }
      // Libraries print to standard output too.
      if (!value.startsWith("{")) continue;
      const answer = JSON.parse(value) as ProcessAnswer & { readonly error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    }
  }
}
