// Remembers in the cache directory what was found out about a GPU. A file a subject, and in it the key of what the finding depends on,
// such as the driver's version: under another key it is as if nothing were known, and the next finding takes the file's place.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isRecord } from "../../../util/is-record.ts";

/** What was decided on, and why. */
export interface DeviceDecision {
  /** `cpu`, or e.g. `webgpu`, `vulkan`. */
  readonly device: string;
  /** Names of the GPUs, where known. */
  readonly adapter?: string;
  /** The reason, as part of a sentence. */
  readonly note: string;
  /** Something went wrong, so that an operator should read of it. */
  readonly isFault: boolean;
  /** Another try may end otherwise, as when a GPU's memory was taken: it is not remembered. @default false */
  readonly isPassing?: boolean;
}

/** What a decision depends on. */
export interface DecisionKey {
  /** `GpuSystem.key`: the hardware and its drivers. */
  readonly system: string;
  /** Everything else, such as the model and the versions of libraries. */
  readonly rest: string;
}

export interface RememberedDecision extends DeviceDecision {
  /** File of the graph, or what else the decision is about. */
  readonly subject: string;
  readonly key: DecisionKey;
  /** Unix milliseconds. */
  readonly decidedMs: number;
}

export class DeviceMemory {
  readonly #folder: string;

  constructor(cacheDirectory: string) {
    this.#folder = join(cacheDirectory, "devices");
  }

  /** `undefined` where nothing is known of the subject under this key. */
  async recall(subject: string, { system, rest }: DecisionKey): Promise<DeviceDecision | undefined> {
    const stored = await readStored(this.#fileOf(subject));
    return stored?.key.system === system && stored.key.rest === rest ? stored.decision : undefined;
  }

  /** A memory that cannot be written costs the next load another probe, and nothing else. */
  async remember(subject: string, key: DecisionKey, decision: DeviceDecision): Promise<void> {
    if (decision.isPassing === true) return;
    const file = this.#fileOf(subject);
    const draft = `${file}.${process.pid}`;
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(draft, JSON.stringify({ subject, key, decision }, null, 2));
      await rename(draft, file);
    } catch {
      // As said above.
    }
  }

  /** Everything that is remembered, whatever its key. */
  async all(): Promise<RememberedDecision[]> {
    const found: RememberedDecision[] = [];
    for (const name of await this.#fileNames()) {
      const file = join(this.#folder, name);
      const stored = await readStored(file);
      if (stored === undefined) continue;
      const { subject, key, decision } = stored;
      found.push({ ...decision, subject, key, decidedMs: (await stat(file)).mtimeMs });
    }
    return found;
  }

  async forgetAll(): Promise<void> {
    for (const name of await this.#fileNames()) await rm(join(this.#folder, name), { force: true });
  }

  /** Of files that this class has written: the folder is the user's choice. */
  async #fileNames(): Promise<string[]> {
    const names = await readdir(this.#folder).catch((): string[] => []);
    return names.filter((name) => /^[0-9a-f]{16}\.json$/.test(name));
  }

  #fileOf(subject: string): string {
    return join(this.#folder, `${createHash("sha256").update(subject).digest("hex").slice(0, 16)}.json`);
  }
}

interface Stored {
  readonly subject: string;
  readonly key: DecisionKey;
  readonly decision: DeviceDecision;
}

/** `undefined` also for a file that is damaged or of another version of the server. */
async function readStored(file: string): Promise<Stored | undefined> {
  try {
    const stored = JSON.parse(await readFile(file, "utf8")) as unknown;
    if (!isRecord(stored) || !isRecord(stored["decision"]) || !isRecord(stored["key"])) return undefined;
    const { device, adapter, note, isFault } = stored["decision"];
    if (typeof device !== "string" || typeof note !== "string") return undefined;
    return {
      subject: String(stored["subject"]),
      key: { system: String(stored["key"]["system"]), rest: String(stored["key"]["rest"]) },
      decision: {
        device,
        note,
        isFault: isFault === true,
        ...(typeof adapter === "string" ? { adapter } : {}),
      },
    };
  } catch {
    return undefined;
  }
}
