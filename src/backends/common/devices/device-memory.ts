// Remembers in the cache directory what was found out about a GPU. A file a subject, and in it the key of what the finding depends on,
// such as the driver's version: under another key it is as if nothing were known, and the next finding takes the file's place.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
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
}

export interface RememberedDecision extends DeviceDecision {
  /** File of the graph, or what else the decision is about. */
  readonly subject: string;
  /** Unix milliseconds. */
  readonly decidedMs: number;
}

export class DeviceMemory {
  readonly #folder: string;

  constructor(cacheDirectory: string) {
    this.#folder = join(cacheDirectory, "devices");
  }

  /** `undefined` where nothing is known of the subject under this key. */
  async recall(subject: string, key: string): Promise<DeviceDecision | undefined> {
    const stored = await readStored(this.#fileOf(subject));
    return stored?.key === key ? stored.decision : undefined;
  }

  /** A memory that cannot be written costs the next load another probe, and nothing else. */
  async remember(subject: string, key: string, decision: DeviceDecision): Promise<void> {
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
    const names = await readdir(this.#folder).catch(() => []);
    const found: RememberedDecision[] = [];
    for (const name of names.filter((name) => name.endsWith(".json"))) {
      const file = join(this.#folder, name);
      const stored = await readStored(file);
      if (stored === undefined) continue;
      found.push({ ...stored.decision, subject: stored.subject, decidedMs: (await stat(file)).mtimeMs });
    }
    return found;
  }

  #fileOf(subject: string): string {
    return join(this.#folder, `${createHash("sha256").update(subject).digest("hex").slice(0, 16)}.json`);
  }
}

interface Stored {
  readonly subject: string;
  readonly key: string;
  readonly decision: DeviceDecision;
}

/** `undefined` also for a file that is damaged or of another version of the server. */
async function readStored(file: string): Promise<Stored | undefined> {
  try {
    const stored = JSON.parse(await readFile(file, "utf8")) as unknown;
    if (!isRecord(stored) || !isRecord(stored["decision"])) return undefined;
    const { device, adapter, note, isFault } = stored["decision"];
    if (typeof device !== "string" || typeof note !== "string") return undefined;
    return {
      subject: String(stored["subject"]),
      key: String(stored["key"]),
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
