// The error for a schema that no grammar can enforce, which is the client's to correct.

export interface SchemaNotEnforceableDetails {
  /** The schema keyword that cannot be enforced, as written (`pattern`, `oneOf`, `$ref`, ...). */
  readonly keyword: string;
  /** JSON pointer to the schema object that holds the keyword; empty for the root. */
  readonly path: string;
  /** Why, as the end of a sentence, without a full stop. */
  readonly reason: string;
  /**
   * `malformed`: it is no JSON schema, which is refused, strict or not. `contradiction`: no value can be written here.
   * `unsupported`: a grammar cannot hold it.
   * @default "unsupported"
   */
  readonly fault?: SchemaFault;
}

export type SchemaFault = "malformed" | "contradiction" | "unsupported";

/**
 * Thrown where text that follows the grammar could break the schema, or where the grammar would be too large for llama.cpp.
 * Never replaced by a looser grammar: the caller answers 400 and names `keyword` and `path`.
 */
export class SchemaNotEnforceableError extends Error {
  override readonly name = "SchemaNotEnforceableError";
  readonly keyword: string;
  readonly path: string;
  readonly reason: string;
  readonly fault: SchemaFault;

  constructor({ keyword, path, reason, fault = "unsupported" }: SchemaNotEnforceableDetails) {
    super(`the schema keyword "${keyword}" at ${path === "" ? "the root" : path} cannot be enforced: ${reason}`);
    this.keyword = keyword;
    this.path = path;
    this.reason = reason;
    this.fault = fault;
  }
}
