// The table that says how each field of a request is handled. The validator refuses fields by it, the OpenAPI document quotes it, and a
// test compares it with OpenAI's own document, so that no field is ever dropped in silence.

/**
 * - `honoured`: the field changes the answer as documented; `note` says in what way ours differs.
 * - `accepted`: valid and without effect, because a caller could not tell the difference; `reason` says why.
 * - `refused`: 400 `unsupported_parameter` naming the field, unless it is absent or null.
 */
export type FieldDisposition =
  | { readonly handling: "honoured"; readonly note?: string }
  | { readonly handling: "accepted"; readonly reason: string }
  | { readonly handling: "refused"; readonly reason: string };

/** How each top-level field is handled, by its name. */
export type FieldTable = Readonly<Record<string, FieldDisposition>>;

export const honoured: FieldDisposition = { handling: "honoured" };

export function honouredWith(note: string): FieldDisposition {
  return { handling: "honoured", note };
}

export function accepted(reason: string): FieldDisposition {
  return { handling: "accepted", reason };
}

export function refused(reason: string): FieldDisposition {
  return { handling: "refused", reason };
}
