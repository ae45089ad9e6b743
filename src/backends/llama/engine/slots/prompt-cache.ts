// Keeps the states that slots lose to other prompts in files, within a number of bytes: a conversation that comes back after others
// used all slots, or after the model was loaded anew, is read from here instead of being evaluated again.
import { dirname } from "node:path";
import type { BackendContext } from "../../../../domain/backend.ts";
import type { NativeContextHandle } from "../../native/context.ts";
import { commonPrefixLength } from "../../tokens/common-prefix.ts";
import type { HeldTokens } from "../plan/prompt-shape.ts";
import {
  commitPrefix,
  isIntact,
  listOldest,
  newPrefixPath,
  readPrefixes,
  removePrefix,
  removeUnused,
  statePath,
  touchPrefix,
  type PrefixFile,
} from "./prefix-files.ts";

interface StoredPrefix extends PrefixFile {
  /** Resolves to whether the file is what was written. Files of earlier processes are read through once to know. */
  readonly intact: Promise<boolean>;
}

/** An entry that has its first tokens in common with a prompt. */
export interface FoundPrefix {
  readonly entry: StoredPrefix;
  /** Tokens of the prompt that need not be evaluated with it. */
  readonly keep: number;
}

export interface PromptCacheOptions {
  /** For the states of this model under these settings; the folder above it has those of the model under all settings. */
  readonly folder: string;
  /** For the folder above. */
  readonly budgetBytes: number;
  /** Tokens per slot. */
  readonly contextSize: number;
  readonly log: BackendContext["log"];
}

/** Shorter prefixes are not stored: to write and to read them costs about what their evaluation does. */
export const shortestStored = 256;
/** A stored prefix has to save at least so many tokens more than what a slot holds. */
const minimumGain = 64;

/** States of slots by their tokens; the least recently used are dropped when `budgetBytes` is exceeded. */
export class PromptCache {
  readonly #context: NativeContextHandle;
  readonly #options: PromptCacheOptions;
  #entries: StoredPrefix[] = [];
  /** Heads being written, and files being read through. */
  readonly #background = new Set<Promise<unknown>>();
  #hasFailed = false;

  private constructor(context: NativeContextHandle, options: PromptCacheOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Finds what earlier processes have left. */
  static async open(context: NativeContextHandle, options: PromptCacheOptions): Promise<PromptCache> {
    const cache = new PromptCache(context, options);
    const { folder, contextSize } = options;
    const found = await readPrefixes(folder);
    let checked: Promise<unknown> = Promise.resolve();
    for (const prefix of found) {
      if (prefix.tokens.length > contextSize) continue;
      // One after the other, the last used first: this is done while the model already answers.
      const intact = checked.then(() => isIntact(prefix)).catch(() => false);
      checked = intact;
      cache.#entries.push({ ...prefix, intact });
      cache.#inBackground(intact);
    }
    cache.#inBackground(removeUnused(dirname(folder), folder));
    return cache;
  }

  /** True when `held` is long enough and no entry begins with its tokens. */
  isWorthStoring(held: Pick<HeldTokens, "tokens">): boolean {
    const { tokens } = held;
    if (this.#hasFailed || tokens.length < shortestStored) return false;
    return !this.#entries.some((entry) => commonPrefixLength(entry.tokens, tokens) === tokens.length);
  }

  /** Tokens of the longest entry that `tokens` begins with. */
  storedLength(tokens: readonly number[]): number {
    return this.#entries.reduce((longest, { tokens: held }) => {
      const isBeginning = held.length > longest && commonPrefixLength(held, tokens) === held.length;
      return isBeginning ? held.length : longest;
    }, 0);
  }

  /**
   * Saves the state of a slot, unless it is not {@link isWorthStoring}. Entries that begin it are dropped. The context is in use until
   * this resolves; what else there is to do with the file is done while it computes again.
   */
  async store(slot: number, held: HeldTokens): Promise<void> {
    if (!this.isWorthStoring(held)) return;
    const { folder } = this.#options;
    const { promptLength, wideTokens } = held;
    const tokens = held.tokens.slice();
    let path: string | undefined;
    try {
      path = await newPrefixPath(folder);
      const bytes = await this.#context.save(slot, { path: statePath({ path }), tokens });
      const prefix = { path, tokens, promptLength, wideTokens, bytes };
      const beginnings = this.#entries.filter(
        (entry) => commonPrefixLength(entry.tokens, tokens) === entry.tokens.length,
      );
      this.#entries.push({ ...prefix, intact: Promise.resolve(true) });
      this.#inBackground(
        commitPrefix(prefix)
          .then(() => this.#drop(beginnings))
          .then(() => this.#makeRoom())
          .catch((error: unknown) => this.#fail(prefix.path, error)),
      );
    } catch (error) {
      await this.#fail(path, error);
    }
  }

  /** The entry that saves the most tokens of a prompt by `keepOf`, if that exceeds `longerThan` by enough for reading it to pay. */
  async find({
    keepOf,
    longerThan,
  }: {
    readonly keepOf: (held: HeldTokens) => number;
    readonly longerThan: number;
  }): Promise<FoundPrefix | undefined> {
    for (;;) {
      let best: FoundPrefix | undefined;
      for (const entry of this.#entries) {
        const keep = keepOf(entry);
        if (keep >= (best?.keep ?? longerThan + minimumGain - 1) + 1) best = { entry, keep };
      }
      if (best === undefined || (await best.entry.intact)) return best;
      await this.#drop([best.entry]);
    }
  }

  /** The entry that was used last before this process, if it is as long as `tokens`. */
  async findLatest(tokens: number): Promise<FoundPrefix | undefined> {
    const [entry] = this.#entries;
    if (entry === undefined || entry.tokens.length < tokens || !(await entry.intact)) return undefined;
    return { entry, keep: entry.tokens.length };
  }

  /** Reads an entry into an empty slot. Returns what the slot holds then: nothing where the entry could not be read. */
  async load({ entry }: FoundPrefix, slot: number): Promise<HeldTokens | undefined> {
    try {
      await this.#context.restore(slot, { path: statePath(entry), maxTokens: this.#options.contextSize });
      this.#inBackground(touchPrefix(entry));
      return entry;
    } catch (error) {
      this.#options.log("warn", "A stored prefix could not be read.", { path: entry.path, reason: String(error) });
      this.#context.clear(slot);
      await this.#drop([entry]);
      return undefined;
    }
  }

  /** Resolves when all that is stored will survive this process. */
  async dispose(): Promise<void> {
    this.#entries = [];
    await Promise.all(this.#background);
  }

  #inBackground(work: Promise<unknown>): void {
    const over = work.catch(() => {}).finally(() => this.#background.delete(over));
    this.#background.add(over);
  }

  /** A full disk costs evaluations later on, not this request. */
  async #fail(path: string | undefined, error: unknown): Promise<void> {
    this.#hasFailed = true;
    const { folder, log } = this.#options;
    log("warn", "A prefix could not be stored; none will be until the model is loaded again.", {
      folder,
      reason: String(error),
    });
    if (path !== undefined) await this.#drop([{ path }]).catch(() => {});
  }

  async #makeRoom(): Promise<void> {
    const { folder, budgetBytes } = this.#options;
    const oldest = await listOldest(dirname(folder));
    let bytes = oldest.reduce((sum, prefix) => sum + prefix.bytes, 0);
    for (const prefix of oldest) {
      if (bytes <= budgetBytes) return;
      bytes -= prefix.bytes;
      await this.#drop([prefix]);
    }
  }

  async #drop(prefixes: readonly Pick<PrefixFile, "path">[]): Promise<void> {
    const paths = new Set(prefixes.map(({ path }) => path));
    this.#entries = this.#entries.filter(({ path }) => !paths.has(path));
    for (const prefix of prefixes) await removePrefix(prefix);
  }
}
