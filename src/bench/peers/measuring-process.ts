// A process to compare a server with: it does the same work without a server and measures itself. It gets a request as one line of JSON on
// its standard input and answers with one line of JSON on its standard output.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";
import { onAbort } from "../../util/abort.ts";
import { killGroup } from "./peer-process.ts";

/** Numbers by name, such as `seconds`. */
export type ProcessAnswer = Readonly<Record<string, number>>;

export class MeasuringProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly #exited: Promise<void>;
  readonly #errorLines: string[] = [];

  /** `command` is for a shell. The first answer shows that the process is ready. */
  constructor(command: string) {
    this.#child = spawn(command, { shell: true, detached: true, stdio: "pipe" });
    this.#exited = new Promise((resolve) => this.#child.once("close", () => resolve()));
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    createInterface({ input: this.#child.stderr }).on("line", (line) => {
      this.#errorLines.push(line);
      if (this.#errorLines.length > 8) this.#errorLines.shift();
    });
    // A process that has ended breaks the pipe; `ask` reports the end.
    this.#child.stdin.on("error", () => undefined);
  }

  get processId(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends one request and returns its answer; calls must not overlap. @throws Error when the process ends or answers `{ "error": ... }` */
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
        // Its last lines may not have arrived yet.
        await this.#exited;
        throw new Error(`The measuring process ended: ${this.#errorLines.join("\n")}`);
      }
      // Libraries print to standard output too: such lines are skipped.
      if (!value.startsWith("{")) continue;
      const answer = JSON.parse(value) as ProcessAnswer & { readonly error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    }
  }
}
