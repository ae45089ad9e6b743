// Resolves a model's entry in the file to the domain's `ConfiguredModel`: the path is made absolute, the kind found, and the options
// checked by the schema of that kind and mapped to the domain's.
import { existsSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { homedir } from "node:os";
import type { z } from "zod";
import { ServerError } from "../../domain/errors.ts";
import type {
  ConfiguredModel,
  EmbeddingModelOptions,
  ModelKind,
  ModelOptions,
  ModelPurpose,
} from "../../domain/model.ts";
import type { ModelLocator } from "../../domain/hub/model-locator.ts";
import { readEncoderFolder } from "../../model-files/encoder/encoder-folder.ts";
import { inspectPath, isUrl } from "../../model-files/inspect-path.ts";
import { toProblems } from "../problems/issues.ts";
import type { Environment } from "../layers.ts";
import { toEmbeddingOptions, toImageOptions, toTextOptions, toUpstreamOptions } from "./model-options.ts";
import { nearestName } from "../../util/nearest.ts";
import { formatPath, type ConfigurationProblem, type Origin } from "../problems/problems.ts";
import { parseOnce } from "../schema/configuration.ts";
import { modelSchemas } from "../schema/models.ts";

export interface ModelContext {
  /** Against which paths of the file are resolved. */
  readonly folder: string;
  /** Against which paths of flags and variables are resolved. */
  readonly cwd: string;
  readonly environment: Environment;
  readonly originOf: (path: readonly PropertyKey[]) => Origin;
  /** Finds models by name; `undefined` = only paths are known. */
  readonly locator: ModelLocator | undefined;
}

export interface ResolvedModel {
  /** `null` when there are problems. */
  readonly model: ConfiguredModel | null;
  readonly problems: readonly ConfigurationProblem[];
  readonly warnings: readonly string[];
}

/** Resolves one entry of `models`. Never throws for what an operator wrote. */
export function resolveModel(
  id: string,
  configured: Readonly<Record<string, unknown>>,
  context: ModelContext,
): ResolvedModel {
  const base = ["models", id] as const;
  const problem = (key: string | null, message: string): ConfigurationProblem => {
    const place = key === null ? base : [...base, key];
    return { origin: context.originOf(place), path: formatPath(place), message };
  };
  const refuse = (...problems: ConfigurationProblem[]): ResolvedModel => ({ model: null, problems, warnings: [] });

  if (id === "" || id.trim() !== id) {
    return refuse(problem(null, "is not a model name: a name is not empty and has no spaces at its ends"));
  }
  if (typeof configured["path"] !== "string" || configured["path"] === "") {
    return refuse(
      problem("path", `${configured["path"] === undefined ? "is missing: it " : ""}must be a file, a folder or a URL`),
    );
  }
  const placed = placeModel(configured, {
    path: configured["path"],
    origin: context.originOf([...base, "path"]),
    context,
  });
  if ("problem" in placed) return refuse(problem("path", placed.problem));
  const { entry, path: written } = placed;
  const { kind: named } = entry;
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(written)?.[1];
  if (scheme !== undefined && !isUrl(written)) {
    return refuse(problem("path", `must be a file, a folder, or a URL of http or https, not of ${scheme}: ${written}`));
  }
  const absolute = (path: string): string => absolutePath(path, context.originOf([...base, "path"]), context);
  const path = isUrl(written) ? written.replace(/\/+$/, "") : absolute(written);
  const finding = inspectPath(path);
  const problems: ConfigurationProblem[] = finding.ok ? [] : [problem("path", finding.message)];
  if (named !== undefined && !isKind(named)) {
    const nearest = typeof named === "string" ? nearestName(named, Object.keys(modelSchemas)) : null;
    const hint = nearest === null ? "" : `; did you mean ${nearest}?`;
    const kinds = Object.keys(modelSchemas).join(", ");
    return refuse(...problems, problem("kind", `must be one of ${kinds}, not ${JSON.stringify(named)}${hint}`));
  }
  if (finding.ok && named !== undefined && named !== finding.kind) {
    return refuse(problem("kind", `is ${named}, but the path is a model of kind ${finding.kind}: ${path}`));
  }
  // Options are checked even when the path is wrong, so that all mistakes are told at once.
  const kind = finding.ok ? finding.kind : (named ?? guessKind(path, Object.keys(entry)));

  const files = (key: string, file: string): string => {
    const full = absolute(file);
    if (!existsSync(full)) problems.push(problem(key, `names a file that does not exist: ${full}`));
    return full;
  };
  const result = read(kind, entry, { path, purpose: finding.ok ? finding.purpose : kind, file: files });
  if (!result.ok) {
    const schema = modelSchemas[kind];
    problems.push(...toProblems(result.error, { base, value: entry, schema, originOf: context.originOf }));
  }
  if (result.ok && result.options.kind === "embedding" && finding.ok) {
    const message = problemOfEncoder(path, result.options);
    if (message !== null) problems.push(problem(null, message));
  }
  if (!finding.ok || !result.ok || problems.length > 0) return refuse(...problems);
  const model: ConfiguredModel = {
    id,
    kind,
    path,
    options: result.options,
    createdSeconds: finding.modifiedSeconds ?? declaredSeconds(context.originOf(base)),
    ...result.common,
    purpose: purposeOf(finding.purpose, result.options),
  };
  return { model, problems, warnings: warningsOf(model, context.environment) };
}

/**
 * The entry with the path of the model that its `path` names, if that is no path of an existing file. Options that come with the model stand
 * behind those of the entry.
 */
function placeModel(
  entry: Readonly<Record<string, unknown>>,
  { path, origin, context }: { readonly path: string; readonly origin: Origin; readonly context: ModelContext },
): { readonly entry: Readonly<Record<string, unknown>>; readonly path: string } | { readonly problem: string } {
  if (existsSync(absolutePath(path, origin, context))) return { entry, path };
  const located = context.locator?.locate(path);
  if (located === undefined) return { entry, path };
  if ("problem" in located) return located;
  const kind = located.kind === null ? {} : { kind: located.kind };
  return { entry: { ...kind, ...located.options, ...entry, path: located.path }, path: located.path };
}

/** What would keep the encoder from loading, as far as its files tell without loading it; `null` = nothing. */
function problemOfEncoder(path: string, options: EmbeddingModelOptions): string | null {
  try {
    readEncoderFolder(path, options);
    return null;
  } catch (error) {
    if (error instanceof ServerError) return `cannot be served: ${error.message}`;
    throw error;
  }
}

/** A path as the operator wrote it: `~` is the home folder, the rest relative to the file or to the working folder. */
export function absolutePath(path: string, origin: Origin, places: Pick<ModelContext, "folder" | "cwd">): string {
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? resolve(path) : resolve(origin.from === "file" ? places.folder : places.cwd, path);
}

interface ReadContext {
  readonly path: string;
  readonly purpose: ModelPurpose;
  /** Makes a file named by an option absolute, and reports it when it does not exist. */
  file(key: string, file: string): string;
}

type ReadResult =
  | {
      readonly ok: true;
      readonly options: ModelOptions;
      readonly common: Pick<ConfiguredModel, "ttlMs" | "pinned" | "preload" | "demonstration">;
    }
  | { readonly ok: false; readonly error: z.ZodError };

function read(kind: ModelKind, entry: unknown, context: ReadContext): ReadResult {
  const parsed = modelSchemas[kind].safeParse({ ...(entry as object), kind }, parseOnce);
  if (!parsed.success) return { ok: false, error: parsed.error };
  const { data } = parsed;
  const common = {
    ttlMs: data.ttl,
    pinned: data.pinned,
    preload: data.preload,
    ...(data.demonstration ? { demonstration: true } : {}),
  };
  switch (data.kind) {
    case "text":
      return { ok: true, common, options: toTextOptions(data, context) };
    case "embedding":
      return { ok: true, common, options: toEmbeddingOptions(data, context.path) };
    case "image":
      return { ok: true, common, options: toImageOptions(data) };
    case "upstream":
      return { ok: true, common, options: toUpstreamOptions(data) };
    case undefined:
      throw new Error("A model was read without its kind.");
  }
}

function isKind(value: unknown): value is ModelKind {
  return typeof value === "string" && Object.hasOwn(modelSchemas, value);
}

/** The kind that a model with a wrong path was most likely meant to have: the one that knows most of its keys. */
function guessKind(path: string, keys: readonly string[]): ModelKind {
  if (/\.gguf$/i.test(path)) return "text";
  const unknownCount = (kind: ModelKind) => keys.filter((key) => !(key in modelSchemas[kind].shape)).length;
  return Object.keys(modelSchemas)
    .filter(isKind)
    .reduce((best, kind) => (unknownCount(kind) < unknownCount(best) ? kind : best));
}

/** `embedding: true` or `false` of a GGUF model overrules what its file says. */
function purposeOf(found: ModelPurpose, options: ModelOptions): ModelPurpose {
  if (options.kind === "text") return options.embedding ? "embedding" : "text";
  return found;
}

/** Unix seconds for an upstream, which has no weights: when the file that names it was last modified, else now. */
function declaredSeconds(origin: Origin): number {
  const stats = origin.from === "file" ? statSync(origin.file, { throwIfNoEntry: false }) : undefined;
  return Math.floor((stats?.mtimeMs ?? Date.now()) / 1000);
}

function warningsOf(model: ConfiguredModel, environment: Environment): string[] {
  const { options } = model;
  if (options.kind !== "upstream" || options.apiKeyVariable === null) return [];
  const key = environment[options.apiKeyVariable];
  return key === undefined || key === ""
    ? [`The upstream model ${model.id} takes its key from the variable ${options.apiKeyVariable}, which is not set.`]
    : [];
}
