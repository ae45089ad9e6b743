// Compiles the grammars of requests. Small jobs are compiled in this process; large ones in a process of their own, because no token
// of any stream is computed while this process compiles, and callers choose how large a job is.
import { fork } from "node:child_process";
import { setPriority } from "node:os";
import { ServerError, deserializeError } from "../../../domain/errors.ts";
import { onAbort } from "../../../util/abort.ts";
import type { CompiledGrammar } from "./constraint.ts";
import { GrammarCache } from "./grammar-cache.ts";
import { compileGrammar, type GrammarJob } from "./grammar-job.ts";
import type { GrammarAnswer } from "./grammar-process.ts";

export interface GrammarCompilerOptions {
  /** UTF-16 units of JSON up to which a job is compiled in this process: a few milliseconds. @default 8192 */
  readonly inlineUnits?: number;
  /** Longest time for one grammar. @default 30000 */
  readonly timeoutMs?: number;
  /** Resolves when all is ready that the use of a grammar needs. */
  readonly prepare?: () => Promise<void>;
}

/** Niceness of the child, which gives way to this process: running streams matter more. */
const priority = 10;

export class GrammarCompiler {
  readonly #cache = new GrammarCache();
  readonly #inlineUnits: number;
  readonly #timeoutMs: number;
  readonly #prepare: () => Promise<void>;
  /** Settles with the latest large job: they run one after another, since there are no cores to spare. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ inlineUnits = 8192, timeoutMs = 30_000, prepare }: GrammarCompilerOptions = {}) {
    this.#inlineUnits = inlineUnits;
    this.#timeoutMs = timeoutMs;
    this.#prepare = prepare ?? (() => Promise.resolve());
  }

  /**
   * Compiles a job, or finds it in the cache.
   * @throws ServerError as `compileGrammar`; `unsupported_schema` when it takes too long or too much memory; the signal's reason
   */
  async compile(job: GrammarJob, signal: AbortSignal): Promise<CompiledGrammar> {
    await this.#prepare();
    const key = JSON.stringify(job);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const compiled =
      key.length <= this.#inlineUnits
        ? compileGrammar(job)
        : await this.#takeTurn(() => this.#compileApart(job, signal));
    this.#cache.set(key, compiled);
    return compiled;
  }

  #takeTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run);
    this.#last = result.catch(() => {});
    return result;
  }

  async #compileApart(job: GrammarJob, signal: AbortSignal): Promise<CompiledGrammar> {
    signal.throwIfAborted();
    const isSource = import.meta.url.endsWith(".ts");
    const child = fork(new URL(`./grammar-process.${isSource ? "ts" : "js"}`, import.meta.url), {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [...(isSource ? ["--import", "tsx"] : []), "--max-old-space-size=1024"],
    });
    try {
      if (child.pid !== undefined) setPriority(child.pid, priority);
    } catch {
      // The child has ended already: its exit is handled below.
    }
    let timer: NodeJS.Timeout | undefined;
    let unsubscribe: (() => void) | undefined;
    try {
      const answer = await new Promise<GrammarAnswer>((resolve, reject) => {
        const tooMuch = (detail: string): void => reject(tooLarge(detail));
        child.once("message", (message) => resolve(message as GrammarAnswer));
        child.once("error", reject);
        child.once("exit", () => tooMuch("more memory than there is for it"));
        timer = setTimeout(() => tooMuch(`more than ${this.#timeoutMs / 1000} seconds`), this.#timeoutMs);
        unsubscribe = onAbort(signal, () => reject(signal.reason as Error));
        child.send(job);
      });
      if ("error" in answer) throw deserializeError(answer.error);
      return answer.compiled;
    } finally {
      clearTimeout(timer);
      unsubscribe?.();
      child.kill("SIGKILL");
    }
  }
}

function tooLarge(detail: string): ServerError {
  return new ServerError(
    "unsupported_schema",
    `The schemas of this request cannot be enforced: to make a grammar of them takes ${detail}. Please send smaller ones.`,
  );
}
