// The models that are known by name: the project's own list and the user's additions.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { nearestName } from "../../util/nearest.ts";
import { homeOf, type Environment } from "../environment.ts";
import { HubFailure } from "../failures.ts";
import { parseModelReference, type ModelReference } from "../model-reference.ts";
import type { KnownModel, KnownSource, PackagePart } from "./known-model.ts";

/** Three levels up from `src/hub/known-models/` and from `dist/hub/known-models/` alike. */
const ownFile = resolve(import.meta.dirname, "../../../config/known-models.yaml");

/** Where the user's additions are looked for when the configuration names no file. */
export function defaultKnownModelsFile(environment: Environment): string {
  const base = environment["XDG_CONFIG_HOME"] || join(homeOf(environment), ".config");
  return join(base, "hearth", "known-models.yaml");
}

export class KnownModels {
  readonly #models: ReadonlyMap<string, KnownModel>;
  /** Names in lower case, the further ones too. */
  readonly #names: ReadonlyMap<string, KnownModel>;

  constructor(models: readonly KnownModel[]) {
    this.#models = new Map(models.map((model) => [model.name, model]));
    const further = models.flatMap((model) => model.also.map((name) => [name.toLowerCase(), model] as const));
    const own = models.map((model) => [model.name.toLowerCase(), model] as const);
    this.#names = new Map([...further, ...own]);
  }

  list(): readonly KnownModel[] {
    return [...this.#models.values()];
  }

  /** The model of a name, in any spelling of capitals. */
  find(name: string): KnownModel | undefined {
    return this.#names.get(name.toLowerCase());
  }

  /** The known name that a mistyped one was probably meant to be. */
  nearest(name: string): string | null {
    return nearestName(name, this.#names.keys());
  }
}

/**
 * Reads the project's list, and the user's over it. Where `file` is `null`, the user's is looked for in its usual place and may be absent.
 * @throws HubFailure `bad-reference` for what is wrong in a file, with its place
 */
export function loadKnownModels(file: string | null, environment: Environment): KnownModels {
  const own = readList(ownFile, readFileSync(ownFile, "utf8"));
  const place = file ?? defaultKnownModelsFile(environment);
  const text = readUsersFile(place, { isNamed: file !== null });
  const added = text === undefined ? [] : readList(place, text);
  const replaced = new Set(added.map(({ name }) => name));
  return new KnownModels([...own.filter(({ name }) => !replaced.has(name)), ...added]);
}

function readUsersFile(path: string, { isNamed }: { readonly isNamed: boolean }): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!isNamed && code === "ENOENT") return undefined;
    throw refusal(path, `it cannot be read (${code})`);
  }
}

const text = z.string().min(1);
const part = z.strictObject({
  from: text,
  to: z.string().default(""),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits in lower case")
    .optional(),
});
const source = z.union([text, z.strictObject({ variant: text.optional(), packages: z.array(part).min(1) })]);
const entry = z.strictObject({
  also: z.array(text).default([]),
  serves: z.enum(["chat", "embeddings", "rerank", "images"]),
  parameters: text.optional(),
  memory: text.optional(),
  license: text.optional(),
  license_url: z.url().optional(),
  sources: z.array(source).min(1),
  options: z.record(z.string(), z.unknown()).default({}),
});

function readList(path: string, yaml: string): KnownModel[] {
  let value: unknown;
  try {
    value = parse(yaml);
  } catch (error) {
    throw refusal(path, error instanceof Error ? error.message : String(error));
  }
  const parsed = z.record(text, entry).safeParse(value ?? {}, { jitless: true });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refusal(path, `${issue?.path.map(String).join(".")}: ${issue?.message}`);
  }
  return Object.entries(parsed.data).map(([name, model]) => ({
    name,
    also: model.also,
    serves: model.serves,
    parameters: model.parameters ?? null,
    memory: model.memory ?? null,
    license: model.license === undefined ? null : { name: model.license, url: model.license_url ?? null },
    sources: model.sources.map((written) => toSource(written, { key: `${name}.sources`, path })),
    options: model.options,
  }));
}

/** Where a text stands: a key of a file. */
interface Place {
  readonly key: string;
  readonly path: string;
}

function toSource(written: z.output<typeof source>, place: Place): KnownSource {
  if (typeof written !== "string") {
    const parts = written.packages.map(({ from, to, sha256 }): PackagePart => {
      const reference = toReference(from, place);
      if (reference.type !== "pip")
        throw refusal(place.path, `${place.key}: ${from} is not of the form pip:PACKAGE==VERSION#PATH`);
      return { source: reference, to, sha256: sha256 ?? null };
    });
    return { type: "packages", parts, variant: written.variant ?? null };
  }
  const reference = toReference(written, place);
  if (reference.type === "hub") return { type: "hub", reference };
  if (reference.type === "url") return { type: "url", reference };
  if (reference.type === "pip") {
    return { type: "packages", parts: [{ source: reference, to: "", sha256: null }], variant: null };
  }
  throw refusal(place.path, `${place.key}: ${written} is neither hf:, nor https:, nor pip:`);
}

function toReference(written: string, { key, path }: Place): ModelReference {
  const result = parseModelReference(written);
  if (result.ok) return result.reference;
  throw refusal(path, `${key}: ${result.message}`);
}

function refusal(path: string, reason: string): HubFailure {
  return new HubFailure("bad-reference", { message: `The list of known models ${path} cannot be used: ${reason}.` });
}
