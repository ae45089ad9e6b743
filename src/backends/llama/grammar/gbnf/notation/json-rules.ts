// The rules of JSON (RFC 8259) that grammars share. White space and digits are bounded, so that no model can write them for ever.

interface SharedRule {
  readonly body: string;
  readonly uses: readonly SharedRuleName[];
}

export type SharedRuleName =
  | "ws"
  | "string"
  | "string-char"
  | "string-tail"
  | "surrogates"
  | "hex"
  | "integer"
  | "number"
  | "exponent"
  | "boolean"
  | "value"
  | "object"
  | "member"
  | "array";

export type SharedRules = Readonly<Record<SharedRuleName, SharedRule>>;

/**
 * - `ws` stands after `{`, `[` and `,` and before `}` and `]`: nothing, one space, or one line break with up to 24 columns of
 *   indent. After `:` stands at most one space. That allows compact and indented JSON.
 * - `string-char` is exactly one code point: surrogate escapes come in pairs, control characters only escaped.
 * - `number` cannot overflow a double: 21 integer digits and an exponent of at most 279 stay below 1.8e308. All digit runs are bounded.
 */
export const SHARED_RULES: SharedRules = {
  ws: { body: String.raw`( " " | "\n" [ \t]{0,24} )?`, uses: [] },
  string: { body: String.raw`"\"" string-tail`, uses: ["string-tail"] },
  "string-tail": { body: String.raw`string-char* "\""`, uses: ["string-char"] },
  "string-char": {
    body: String.raw`[ !#-\x5B\x5D-\uD7FF\uE000-\U0010FFFF] | "\\" ( ["\\/bfnrt] | "u" surrogates )`,
    uses: ["surrogates"],
  },
  surrogates: {
    body: String.raw`( [0-9a-cA-CefEF] hex | [dD] [0-7] ) hex{2} | [dD] [89abAB] hex{2} "\\u" [dD] [c-fC-F] hex{2}`,
    uses: ["hex"],
  },
  hex: { body: "[0-9a-fA-F]", uses: [] },
  integer: { body: `"0" | "-"? [1-9] [0-9]{0,15}`, uses: [] },
  number: {
    body: `"-"? ( "0" | [1-9] [0-9]{0,20} ) ( "." [0-9]{1,24} )? ( [eE] exponent )?`,
    uses: ["exponent"],
  },
  exponent: { body: `"-" [0-9]{1,3} | "+"? ( [0-9]{1,2} | "1" [0-9]{2} | "2" [0-7] [0-9] )`, uses: [] },
  boolean: { body: `"true" | "false"`, uses: [] },
  value: {
    body: `object | array | string | number | boolean | "null"`,
    uses: ["object", "array", "string", "number", "boolean"],
  },
  object: { body: `"{" ws ( member ( "," ws member )* ws )? "}"`, uses: ["ws", "member"] },
  member: { body: `string ":" " "? value`, uses: ["string", "value"] },
  array: { body: `"[" ws ( value ( "," ws value )* ws )? "]"`, uses: ["ws", "value"] },
};
