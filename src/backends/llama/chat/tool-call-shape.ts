// The formats in which models write tool calls, as data: one shape is what a grammar enforces, what the output parser reads, and what
// templates that show no calls are given.

/**
 * One format of tool calls: grammars enforce it (guided/chat-grammar.ts), the output parser reads it, and templates that show no
 * calls are given text in it. White space in `open`, `separator` and `close` is what the model writes; the parser also accepts
 * other white space there.
 */
export type ToolCallShape =
  /**
   * `open` + `{"<nameKey>": "name", "<argumentsKey>": {…}}` + `close`, calls joined by `separator`.
   * `list`: one `open` and `close` around a JSON array of such objects.
   */
  | {
      readonly kind: "json";
      readonly open: string;
      readonly close: string;
      readonly separator: string;
      readonly list: boolean;
      readonly nameKey: string;
      readonly argumentsKey: string;
      /** The key of an id that the model writes before the name (`first`) or behind the arguments (`last`). The parser ignores it. */
      readonly idKey?: { readonly key: string; readonly position: "first" | "last"; readonly example: string };
    }
  /** `open` + `beforeEach` + name + `beforeArguments` + `{…}` + `afterEach`, repeated from `beforeEach` on with `separator`, then `close`. */
  | {
      readonly kind: "named-json";
      readonly open: string;
      readonly beforeEach: string;
      readonly beforeArguments: string;
      readonly afterEach: string;
      readonly separator: string;
      readonly close: string;
      /** Some models write this and an id between name and `beforeArguments`. The parser drops both, grammars do not allow them. */
      readonly idMarker?: string;
      /** Stands between the name and the call's number, which counts all calls of the conversation from 0. */
      readonly beforeNumber?: string;
      /**
       * The arguments are no JSON: names stand bare, and strings without escapes between two of these. It begins with `<|`, which is not
       * written inside of strings.
       */
      readonly quote?: string;
    }
  /** `open` + a name and parameters in `tags` + `close`, calls joined by `separator`; strings stand raw, the rest as JSON. */
  | {
      readonly kind: "xml-parameters";
      readonly open: string;
      readonly close: string;
      readonly separator: string;
      readonly tags: ParameterTags;
    }
  /** `[name(key="value", other=1), …]` with Python literals, between `open` and `close`. */
  | { readonly kind: "pythonic"; readonly open: string; readonly close: string };

/**
 * `beforeName` + name + `afterName`, then `beforeKey` + key + `beforeValue` + value + `afterValue` for each parameter, then
 * `afterParameters`.
 */
export interface ParameterTags {
  readonly beforeName: string;
  readonly afterName: string;
  readonly beforeKey: string;
  readonly beforeValue: string;
  readonly afterValue: string;
  readonly afterParameters: string;
  /** Stand around strings with `<`, `&` or a line break in them. Left out = such strings stand as they are. */
  readonly literal?: { readonly open: string; readonly close: string };
}
