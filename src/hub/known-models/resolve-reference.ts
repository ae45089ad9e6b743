// Finds out which model a text means and where it can come from: a known name, with or without a variant, or a reference.
import type { ModelKind } from "../../domain/model.ts";
import {
  formatReference,
  nameOfReference,
  parseModelReference,
  type ForeignReference,
  type NameReference,
  type PathReference,
} from "../model-reference.ts";
import { kindOfKnownModel, type KnownModel, type KnownSource } from "./known-model.ts";
import type { KnownModels } from "./known-models.ts";

/** A model that can be pulled. */
export interface PullableModel {
  readonly type: "pullable";
  /** The name under which it is served unless another is given. */
  readonly name: string;
  /** Canonical form of the text. */
  readonly reference: string;
  /** `null` = found from the files. */
  readonly kind: ModelKind | null;
  /** Options by their names in the configuration file. */
  readonly options: Readonly<Record<string, unknown>>;
  /** In the order in which they are tried. Empty where none has the variant. */
  readonly sources: readonly KnownSource[];
  readonly known: KnownModel | undefined;
}

export type ReferenceMeaning =
  | PullableModel
  /** Something that is on this machine or nowhere. */
  | { readonly type: "local"; readonly reference: PathReference | ForeignReference }
  /** A name that is not known. */
  | { readonly type: "unknown"; readonly reference: NameReference }
  | { readonly type: "invalid"; readonly message: string };

/**
 * 1. A known name, as it stands or before a colon: the model's sources, with the variant behind the colon. A source of packages has one
 *    variant, and is left out where another is asked for.
 * 2. A reference: itself.
 */
export function resolveReference(written: string, knownModels: KnownModels): ReferenceMeaning {
  const text = written.trim().replace(/^hf:(?:\/\/)?/i, "");
  const whole = knownModels.find(text);
  const [, stem = "", behind = null] = /^(.+):([\w.-]+)$/.exec(text) ?? [];
  const known = whole ?? knownModels.find(stem);
  if (known !== undefined) return toKnownMeaning(known, whole === undefined ? behind : null); // 1.
  const parsed = parseModelReference(written); // 2.
  if (!parsed.ok) return { type: "invalid", message: parsed.message };
  const { reference } = parsed;
  switch (reference.type) {
    case "hub":
    case "url": {
      const source: KnownSource = reference.type === "hub" ? { type: "hub", reference } : { type: "url", reference };
      return { ...toPullable(reference), sources: [source] };
    }
    case "pip": {
      const parts = [{ source: reference, to: "", sha256: null }];
      return { ...toPullable(reference), sources: [{ type: "packages", parts, variant: null }] };
    }
    case "name":
      return { type: "unknown", reference };
    case "path":
    case "ollama":
    case "lmstudio":
      return { type: "local", reference };
  }
}

function toKnownMeaning(known: KnownModel, variant: string | null): PullableModel {
  const label = variant === null ? known.name : `${known.name}:${variant}`;
  return {
    type: "pullable",
    name: label,
    reference: label,
    kind: kindOfKnownModel(known),
    options: known.options,
    sources: known.sources.flatMap((source) => withVariant(source, variant)),
    known,
  };
}

function withVariant(source: KnownSource, wanted: string | null): KnownSource[] {
  if (wanted === null) return [source];
  if (source.type === "hub") return [{ ...source, reference: { ...source.reference, variant: wanted } }];
  return source.type === "packages" && source.variant?.toLowerCase() === wanted.toLowerCase() ? [source] : [];
}

function toPullable(reference: Parameters<typeof formatReference>[0]): Omit<PullableModel, "sources"> {
  return {
    type: "pullable",
    name: nameOfReference(reference),
    reference: formatReference(reference),
    kind: null,
    options: {},
    known: undefined,
  };
}
