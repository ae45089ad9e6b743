// The types of choosing: which of a repository's files make one model.

export interface ChoosableFile {
  /** Inside the repository, with `/`. */
  readonly path: string;
  readonly bytes: number;
}

export interface ChoiceContext {
  /** Such as `Q4_K_M` or `fp16`; `null` = the usual one. */
  readonly variant: string | null;
  /** One file that was named; `null` = none. */
  readonly file: string | null;
  /** For messages: `org/name`, or the name of the package. */
  readonly repository: string;
}

export interface ModelChoice {
  readonly kind: "text" | "embedding" | "image";
  /** Paths of all files but external weights. */
  readonly files: readonly string[];
  /** Those among them that are ONNX graphs, whose weights may lie in further files that only they name. */
  readonly graphs: readonly string[];
  /** What is served: the path of a file, or `""` for the folder. */
  readonly modelPath: string;
  /** Options that serving needs so that it opens what was chosen, by their names in the configuration file. */
  readonly options: Readonly<Record<string, unknown>>;
}
