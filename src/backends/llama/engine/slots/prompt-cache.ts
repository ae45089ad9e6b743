// Keeps the states that slots lose to other prompts in files, within a number of bytes: a conversation that comes back after
// others used all slots is read from here instead of being evaluated again.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BackendContext } from "../../../../domain/backend.ts";
import type { NativeContextHandle } from "../../native/context.ts";
import { commonPrefixLength } from "../../tokens/common-prefix.ts";

export interface StoredPrefix {
  readonly path: string;
  readonly tokens: readonly number[];
  readonly bytes: number;
  lastUsed: number;
}

interface SlotTokens {
  readonly id: number;
  readonly tokens: readonly number[];
}

/** An entry that has its first tokens in common with a prompt. */
export interface FoundPrefix {
  readonly entry: StoredPrefix;
  /** Tokens that the entry and the prompt have in common. */
  readonly common: number;
}

export interface PromptCacheOptions {
  /** Belongs to the cache alone; `dispose` removes it. */
  readonly folder: string;
  readonly budgetBytes: number;
  /** Tokens per slot. */
  readonly contextSize: number;
  readonly log: BackendContext["log"];
}

/** Shorter prefixes are evaluated as fast as they are read. */
const minimumTokens = 64;

/** States of slots by their tokens; the least recently used are dropped when `budgetBytes` is exceeded. */
export class PromptCache {
  readonly #context: NativeContextHandle;
  readonly #folder: string;
  readonly #budgetBytes: number;
  readonly #contextSize: number;
  readonly #log: BackendContext["log"];
  #entries: StoredPrefix[] = [];
  #clock = 0;

  constructor(context: NativeContextHandle, { folder, budgetBytes, contextSize, log }: PromptCacheOptions) {
    this.#log = log;
    this.#context = context;
    this.#folder = folder;
    this.#budgetBytes = budgetBytes;
    this.#contextSize = contextSize;
  }

  get bytes(): number {
    return this.#entries.reduce((sum, entry) => sum + entry.bytes, 0);
  }

  /**
   * Saves the state of `slot` before its tokens from `keep` on are lost (with `copies`, all its tokens: another state is copied over
   * it). Nothing is saved that begins an entry, and entries that begin the new one are dropped.
   */
  async keep(slot: SlotTokens, { keep, copies }: { keep: number; copies: boolean }): Promise<void> {
    const lost = slot.tokens.length - (copies ? 0 : keep);
    if (slot.tokens.length < minimumTokens || lost < minimumTokens) return;
    const tokens = slot.tokens.slice();
    const container = this.#entries.find((entry) => commonPrefixLength(entry.tokens, tokens) === tokens.length);
    if (container !== undefined) return;
    await this.#drop(this.#entries.filter(({ tokens: held }) => commonPrefixLength(held, tokens) === held.length));
    const lastUsed = (this.#clock += 1);
    const path = join(this.#folder, `${lastUsed}.state`);
    try {
      await mkdir(this.#folder, { recursive: true });
      const bytes = await this.#context.save(slot.id, { path, tokens });
      this.#entries.push({ path, tokens, bytes, lastUsed });
      await this.#makeRoom();
    } catch (error) {
      // A full disk costs an evaluation later on, not this request.
      this.#log("warn", "A prefix could not be stored.", { folder: this.#folder, reason: String(error) });
    }
  }

  /** The entry that shares the longest prefix with `prompt`, if that exceeds `longerThan` tokens by enough for reading it to pay. */
  find({ prompt, longerThan }: { prompt: readonly number[]; longerThan: number }): FoundPrefix | undefined {
    let best: FoundPrefix | undefined;
    let bestLength = longerThan + minimumTokens - 1;
    for (const entry of this.#entries) {
      const common = commonPrefixLength(entry.tokens, prompt);
      if (common <= bestLength) continue;
      best = { entry, common };
      bestLength = common;
    }
    return best;
  }

  /** Reads an entry into an empty slot. Returns the tokens that the slot holds then: none where the entry could not be read. */
  async load({ entry }: FoundPrefix, slot: number): Promise<number[]> {
    entry.lastUsed = this.#clock += 1;
    try {
      await this.#context.restore(slot, { path: entry.path, maxTokens: this.#contextSize });
      return entry.tokens.slice();
    } catch (error) {
      this.#log("warn", "A stored prefix could not be read.", { folder: this.#folder, reason: String(error) });
      this.#context.clear(slot);
      await this.#drop([entry]);
      return [];
    }
  }

  async dispose(): Promise<void> {
    this.#entries = [];
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #makeRoom(): Promise<void> {
    const byAge = this.#entries.toSorted((first, second) => first.lastUsed - second.lastUsed);
    const dropped: StoredPrefix[] = [];
    let bytes = this.bytes;
    for (const entry of byAge) {
      if (bytes <= this.#budgetBytes) break;
      dropped.push(entry);
      bytes -= entry.bytes;
    }
    await this.#drop(dropped);
  }

  async #drop(entries: readonly StoredPrefix[]): Promise<void> {
    if (entries.length === 0) return;
    this.#entries = this.#entries.filter((entry) => !entries.includes(entry));
    await Promise.all(entries.map(({ path }) => rm(path, { force: true })));
  }
}
