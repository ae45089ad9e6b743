// The types of the list of known models.
import type { ModelKind } from "../../domain/model.ts";
import type { License } from "../../domain/hub/pull.ts";
import type { HubReference, PipReference, UrlReference } from "../model-reference.ts";

/** A file or folder of a Python package, and its place in the model's folder. */
export interface PackagePart {
  readonly source: PipReference;
  /** Empty = the file's own name, or for a folder the top. */
  readonly to: string;
  /** Of a single file; `null` = the wheel's own list has to do. */
  readonly sha256: string | null;
}

export type KnownSource =
  | { readonly type: "hub"; readonly reference: HubReference }
  | { readonly type: "url"; readonly reference: UrlReference }
  | { readonly type: "packages"; readonly parts: readonly PackagePart[]; readonly variant: string | null };

export interface KnownModel {
  readonly name: string;
  /** Further names, short ones and those of the original repositories. */
  readonly also: readonly string[];
  readonly serves: "chat" | "embeddings" | "rerank" | "images";
  /** Such as `4B`; `null` = not written down. */
  readonly parameters: string | null;
  /** A machine with so much memory runs it well, such as `16GB`; `null` = not written down. */
  readonly memory: string | null;
  readonly license: License | null;
  /** In the order in which they are tried; at least one. */
  readonly sources: readonly KnownSource[];
  /** Options by their names in the configuration file. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The kind that the configuration knows such a model by; `null` = depends on the files, as embeddings come as ONNX and as GGUF. */
export function kindOfKnownModel({ serves }: KnownModel): ModelKind | null {
  return serves === "chat" ? "text" : serves === "images" ? "image" : null;
}
