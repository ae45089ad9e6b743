// The list of models that were pulled: under which name, from where, which files, and which of those this program has fetched itself. It is
// written before anything is fetched, so that after any interruption it is known what is ours to remove.
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { License } from "../../domain/hub/pull.ts";
import type { ModelKind } from "../../domain/model.ts";
import { isRecord } from "../../util/is-record.ts";

export interface StoredFile {
  /** Absolute path by which the model is opened; in the shared cache a link. */
  readonly path: string;
  /** Absolute path of the content: in the shared cache, what several snapshots can link to; elsewhere the path itself. */
  readonly content: string;
  readonly bytes: number;
  /** False where the content was there before: another tool has fetched it, and only that may remove it. */
  readonly isOurs: boolean;
}

export interface StoredModel {
  readonly name: string;
  /** As the user wrote it, in its canonical form. */
  readonly reference: string;
  /** Reference of the source that it came from. */
  readonly source: string;
  readonly kind: ModelKind;
  /** Absolute path of the file or folder to serve. */
  readonly path: string;
  /** Options for serving it, by their names in the configuration file. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly commit: string | null;
  readonly license: License | null;
  /** False while it is pulled, and after an interruption. */
  readonly isComplete: boolean;
  readonly files: readonly StoredFile[];
  /** Files of earlier commits that this program has fetched, which only `hearth rm` removes. */
  readonly superseded?: readonly StoredFile[];
  /** When the pull began; ISO 8601. */
  readonly pulledAt: string;
}

export class ModelStore {
  readonly #folder: string;
  readonly #filesFolder: string;

  /** `directory` is made when something is written. */
  constructor(directory: string) {
    this.#folder = join(directory, "pulled");
    this.#filesFolder = join(directory, "models");
  }

  /** Every model that was pulled or begun, in order of its name. A record that cannot be read is left out. */
  list(): StoredModel[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return [];
    }
    const records = names
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => readRecord(join(this.#folder, name)));
    return records.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  find(name: string): StoredModel | undefined {
    return readRecord(this.#recordPath(name))[0];
  }

  /** The first record of this reference, whatever its name. */
  findByReference(reference: string): StoredModel | undefined {
    return this.list().find((model) => model.reference === reference || model.source === reference);
  }

  /** Folder for the files of a model that is not in the shared cache. */
  filesFolder(name: string): string {
    return join(this.#filesFolder, toFileName(name));
  }

  /** Folder on the same file system as {@link filesFolder}, for what is not complete. */
  get incompleteFolder(): string {
    return join(this.#filesFolder, ".incomplete");
  }

  /** Writes the record. Files of ours that an earlier record of the same name had and this one lacks are kept as superseded. */
  write(model: StoredModel): void {
    mkdirSync(this.#folder, { recursive: true });
    const path = this.#recordPath(model.name);
    const temporary = `${path}.${randomUUID()}.part`;
    const earlier = this.find(model.name);
    const present = new Set(model.files.map((file) => file.path));
    const superseded = [...(earlier?.superseded ?? []), ...(earlier?.files ?? [])].filter(
      (file) => file.isOurs && !present.has(file.path),
    );
    const record = { format: 1, ...model, ...(superseded.length === 0 ? {} : { superseded }) };
    writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(temporary, path);
  }

  remove(name: string): void {
    rmSync(this.#recordPath(name), { force: true });
  }

  /** True where a record says that this program has fetched the content. */
  isOurs(content: string): boolean {
    return this.list().some(({ files }) => files.some((file) => file.content === content && file.isOurs));
  }

  #recordPath(name: string): string {
    return join(this.#folder, `${toFileName(name)}.json`);
  }
}

/** True where the model was pulled to its end and is still there. */
export function isPresent({ isComplete, path }: StoredModel): boolean {
  return isComplete && statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** A name that every file system takes, different for every model. */
function toFileName(name: string): string {
  return encodeURIComponent(name).replaceAll(/[!'()*~]|^\./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
}

function readRecord(path: string): StoredModel[] {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isRecord(value) || value["format"] !== 1 || typeof value["name"] !== "string") return [];
    const { format: _, ...model } = value;
    return [model as unknown as StoredModel];
  } catch {
    return [];
  }
}
