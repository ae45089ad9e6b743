// A model that lies on this machine, whoever has put it there.
import { statSync } from "node:fs";
import type { LocatedModel } from "../../domain/hub/model-locator.ts";
import type { ModelPurpose } from "../../domain/model.ts";
import { inspectPath } from "../../model-files/inspect-path.ts";

/** Which program's folder it lies in. */
export type FoundIn = "hub cache" | "llama.cpp" | "ollama" | "lm studio" | "models dir";

export interface FoundModel extends LocatedModel {
  readonly foundIn: FoundIn;
  readonly bytes: number;
  /** What it can be used for; `null` where it cannot be served. */
  readonly purpose: ModelPurpose | null;
  /** Why it cannot be served; `null` where it can. */
  readonly problem: string | null;
}

export interface FoundFile {
  readonly name: string;
  readonly path: string;
  readonly foundIn: FoundIn;
  readonly bytes: number;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Looks at the beginning of the file, or into the folder, to find what it can be used for. */
export function toFoundModel({ name, path, foundIn, bytes, options = {} }: FoundFile): FoundModel {
  const finding = inspectPath(path);
  const common = { name, path, foundIn, bytes, options };
  return finding.ok
    ? { ...common, kind: finding.kind, purpose: finding.purpose, problem: null }
    : { ...common, kind: null, purpose: null, problem: finding.message };
}

/** Bytes of a file; 0 where it cannot be read. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
