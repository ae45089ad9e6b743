// The schemas of json-schema-to-gbnf.test.ts: some as clients of OpenAI-compatible servers send them, and one per keyword. Each has
// documents that its grammar must accept and documents that it must not.
import type { JsonValue } from "../../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";

export interface PoolEntry {
  readonly schema: JsonValue;
  /** Valid documents that the grammar must accept, as `JSON.stringify` writes them. */
  readonly accepts: readonly JsonValue[];
  /** Invalid documents, which it must refuse. */
  readonly rejects: readonly JsonValue[];
}

const closed = { additionalProperties: false } as const;

export const SCHEMA_POOL: Readonly<Record<string, PoolEntry>> = {
  // Structured outputs as in OpenAI's own guide.
  "calendar event": {
    schema: {
      type: "object",
      properties: {
        name: { type: "string" },
        date: { type: "string" },
        participants: { type: "array", items: { type: "string" } },
      },
      required: ["name", "date", "participants"],
      ...closed,
    },
    accepts: [
      { name: "Science fair", date: "Friday", participants: ["Alice", "Bob"] },
      { name: "", date: "", participants: [] },
    ],
    rejects: [
      { name: "x", date: "y" },
      { name: 1, date: "", participants: [] },
      { name: "", date: "", participants: [], more: 1 },
    ],
  },
  "math reasoning steps": {
    schema: {
      type: "object",
      properties: {
        steps: {
          type: "array",
          items: {
            type: "object",
            properties: { explanation: { type: "string" }, output: { type: "string" } },
            required: ["explanation", "output"],
            ...closed,
          },
        },
        final_answer: { type: "string" },
      },
      required: ["steps", "final_answer"],
      ...closed,
    },
    accepts: [{ steps: [{ explanation: "8x = -30", output: "x = -3.75" }], final_answer: "x = -15/4" }],
    rejects: [{ steps: [{ explanation: "e" }], final_answer: "" }],
  },
  "recursive user interface": {
    schema: {
      type: "object",
      properties: {
        type: { type: "string", enum: ["div", "button", "header", "section", "field", "form"] },
        label: { type: "string" },
        children: { type: "array", items: { $ref: "#" } },
        attributes: {
          type: "array",
          items: {
            type: "object",
            properties: { name: { type: "string" }, value: { type: "string" } },
            required: ["name", "value"],
            ...closed,
          },
        },
      },
      required: ["type", "label", "children", "attributes"],
      ...closed,
    },
    accepts: [
      {
        type: "form",
        label: "",
        children: [{ type: "button", label: "Go", children: [], attributes: [{ name: "id", value: "b" }] }],
        attributes: [],
      },
    ],
    rejects: [{ type: "span", label: "", children: [], attributes: [] }],
  },
  "moderation with nullable category": {
    schema: {
      type: "object",
      properties: {
        is_violating: { type: "boolean" },
        category: { type: ["string", "null"], enum: ["violence", "sexual", "self_harm", null] },
        explanation: { type: ["string", "null"] },
      },
      required: ["is_violating", "category", "explanation"],
      ...closed,
    },
    accepts: [
      { is_violating: false, category: null, explanation: null },
      { is_violating: true, category: "self_harm", explanation: "x" },
    ],
    rejects: [
      { is_violating: 1, category: null, explanation: null },
      { is_violating: true, category: "other", explanation: null },
    ],
  },
  "linked list through $defs": {
    schema: {
      type: "object",
      properties: { linked_list: { $ref: "#/$defs/node" } },
      $defs: {
        node: {
          type: "object",
          properties: { value: { type: "number" }, next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } },
          required: ["value", "next"],
          ...closed,
        },
      },
      required: ["linked_list"],
      ...closed,
    },
    accepts: [{ linked_list: { value: 1, next: { value: 2.5, next: null } } }],
    rejects: [{ linked_list: { value: 1 } }],
  },
  "anyOf user or address": {
    schema: {
      type: "object",
      properties: {
        item: {
          anyOf: [
            {
              type: "object",
              properties: { name: { type: "string" }, age: { type: "number" } },
              required: ["name", "age"],
              ...closed,
            },
            {
              type: "object",
              properties: { number: { type: "string" }, street: { type: "string" }, city: { type: "string" } },
              required: ["number", "street", "city"],
              ...closed,
            },
          ],
        },
      },
      required: ["item"],
      ...closed,
    },
    accepts: [{ item: { name: "a", age: 3 } }, { item: { number: "1", street: "s", city: "c" } }],
    rejects: [{ item: { name: "a", city: "c" } }, { item: {} }],
  },
  "weather tool": {
    schema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "get_weather",
      description: "Get the current weather",
      type: "object",
      properties: {
        location: { type: "string", description: "City and country", examples: ["Paris, France"] },
        unit: { type: "string", enum: ["celsius", "fahrenheit"], default: "celsius" },
      },
      required: ["location"],
    },
    accepts: [{ location: "Paris" }, { location: "Paris", unit: "celsius" }],
    rejects: [{ unit: "celsius" }, { location: "x", unit: "kelvin" }],
  },
  "pydantic model with defs and optional": {
    schema: {
      $defs: {
        Size: { enum: ["small", "large"], title: "Size", type: "string" },
        Item: {
          properties: {
            sku: { title: "Sku", type: "string" },
            size: { $ref: "#/$defs/Size", default: "small", description: "how large" },
            count: { anyOf: [{ type: "integer" }, { type: "null" }], default: null, title: "Count" },
          },
          required: ["sku"],
          title: "Item",
          type: "object",
        },
      },
      properties: { items: { items: { $ref: "#/$defs/Item" }, title: "Items", type: "array" } },
      required: ["items"],
      title: "Order",
      type: "object",
    },
    accepts: [{ items: [{ sku: "a" }, { sku: "b", size: "large", count: null }, { sku: "c", count: 4 }] }],
    rejects: [{ items: [{ size: "small" }] }, { items: [{ sku: "a", size: "medium" }] }],
  },
  "pydantic discriminated union": {
    schema: {
      $defs: {
        Cat: {
          properties: { kind: { const: "cat", type: "string" }, lives: { type: "integer" } },
          required: ["kind", "lives"],
          type: "object",
        },
        Dog: {
          properties: { kind: { const: "dog", type: "string" }, bark: { type: "number" } },
          required: ["kind", "bark"],
          type: "object",
        },
      },
      discriminator: { mapping: { cat: "#/$defs/Cat", dog: "#/$defs/Dog" }, propertyName: "kind" },
      oneOf: [{ $ref: "#/$defs/Cat" }, { $ref: "#/$defs/Dog" }],
    },
    accepts: [
      { kind: "cat", lives: 9 },
      { kind: "dog", bark: 1.5 },
    ],
    rejects: [{ kind: "cat", bark: 1 }, { kind: "cow" }],
  },
  "zod record": {
    schema: {
      type: "object",
      propertyNames: { type: "string" },
      additionalProperties: { type: "number" },
    },
    accepts: [{}, { a: 1, "b c": -2.5 }],
    rejects: [{ a: "1" }],
  },
  "zod object with nullable and email": {
    schema: {
      type: "object",
      properties: {
        id: { type: "string", format: "uuid" },
        email: { type: "string", format: "email" },
        nick: { anyOf: [{ type: "string", minLength: 1 }, { type: "null" }] },
        born: { type: "string", format: "date" },
      },
      required: ["id", "email", "nick"],
      ...closed,
    },
    accepts: [
      {
        id: "123e4567-e89b-12d3-a456-426614174000",
        email: "jane.doe+x@mail.example.co.uk",
        nick: null,
        born: "2024-02-29",
      },
    ],
    rejects: [
      { id: "123e4567", email: "a@b.co", nick: null },
      { id: "123e4567-e89b-12d3-a456-426614174000", email: "nobody", nick: null },
      { id: "123e4567-e89b-12d3-a456-426614174000", email: "a@b.co", nick: "" },
      { id: "123e4567-e89b-12d3-a456-426614174000", email: "a@b.co", nick: null, born: "2023-02-29" },
    ],
  },
  invoice: {
    schema: {
      type: "object",
      properties: {
        number: { type: "string", pattern: "^INV-\\d{4,6}$" },
        issued: { type: "string", format: "date-time" },
        lines: {
          type: "array",
          minItems: 1,
          maxItems: 5,
          items: {
            type: "object",
            properties: {
              description: { type: "string", maxLength: 40 },
              quantity: { type: "integer", minimum: 1, maximum: 999 },
              price: { type: "number", minimum: 0 },
            },
            required: ["description", "quantity", "price"],
            ...closed,
          },
        },
        currency: { enum: ["EUR", "USD", "GBP"] },
      },
      required: ["number", "lines", "currency"],
      ...closed,
    },
    accepts: [
      { number: "INV-12345", lines: [{ description: "tea", quantity: 2, price: 3.5 }], currency: "EUR" },
      {
        number: "INV-1234",
        issued: "2025-01-31T23:59:59.123Z",
        lines: [{ description: "", quantity: 999, price: 0 }],
        currency: "GBP",
      },
    ],
    rejects: [
      { number: "INV-123", lines: [{ description: "", quantity: 1, price: 0 }], currency: "EUR" },
      { number: "INV-1234", lines: [], currency: "EUR" },
      { number: "INV-1234", lines: [{ description: "", quantity: 0, price: 0 }], currency: "EUR" },
      { number: "INV-1234", lines: [{ description: "", quantity: 1, price: -0.5 }], currency: "EUR" },
    ],
  },
  // Any value and single types.
  "empty schema": { schema: {}, accepts: [null, true, 0, "x", [1, [2]], { a: { b: [] } }], rejects: [] },
  true: { schema: true, accepts: [null, [], {}, "é"], rejects: [] },
  "annotations only": {
    schema: {
      title: "anything",
      description: "d",
      default: 1,
      examples: [2],
      deprecated: true,
      $comment: "c",
      "x-order": 3,
    },
    accepts: [1, "a"],
    rejects: [],
  },
  string: {
    schema: { type: "string" },
    accepts: ["", 'quote " backslash \\ slash / newline \n tab \t nul \u0000', "𝒳 é \u2028", "\ud83d\ude00"],
    rejects: [1, null],
  },
  number: {
    schema: { type: "number" },
    accepts: [0, -1, 0.1, 1e21, 1.5e-7, 123456789.125, 5e-324],
    rejects: ["1", null],
  },
  integer: { schema: { type: "integer" }, accepts: [0, -1, 42, 9007199254740991], rejects: [1.5, "1"] },
  boolean: { schema: { type: "boolean" }, accepts: [true, false], rejects: [null, 0] },
  null: { schema: { type: "null" }, accepts: [null], rejects: [false] },
  "object of anything": { schema: { type: "object" }, accepts: [{}, { a: [{}], "": 1 }], rejects: [[], 1] },
  "array of anything": { schema: { type: "array" }, accepts: [[], [1, "a", {}]], rejects: [{}] },
  "type array": { schema: { type: ["string", "integer", "null"] }, accepts: ["a", 3, null], rejects: [1.5, true, []] },
  "nullable of OpenAPI": {
    schema: { type: "string", nullable: true, minLength: 2 },
    accepts: [null, "ab"],
    rejects: ["a", 1],
  },
  // enum and const.
  "enum of shared prefixes": {
    schema: { enum: ["re", "red", "redder", "blue", "blueberry", ""] },
    accepts: ["re", "red", "redder", "blue", "blueberry", ""],
    rejects: ["r", "redde", "blu"],
  },
  "enum of mixed values": {
    schema: { enum: [1, 1.5, "1", null, true, [1, { a: "b" }], { k: [] }] },
    accepts: [1, 1.5, "1", null, true, [1, { a: "b" }], { k: [] }],
    rejects: [2, false, [1], {}],
  },
  "enum filtered by type and length": {
    schema: { type: ["string", "integer"], enum: ["a", "abc", 5, 6.5, null], minLength: 2 },
    accepts: ["abc", 5],
    rejects: ["a", 6.5, null],
  },
  "const with quotes and newlines": { schema: { const: 'a"b\\c\nd' }, accepts: ['a"b\\c\nd'], rejects: ['a"b'] },
  "const object": { schema: { const: { b: 1, a: [null] } }, accepts: [{ b: 1, a: [null] }], rejects: [{ b: 1 }] },
  // Objects.
  "all optional": {
    schema: {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "integer" }, c: { type: "integer" } },
      ...closed,
    },
    accepts: [{}, { a: 1 }, { b: 1 }, { c: 1 }, { a: 1, c: 2 }, { b: 1, c: 2 }, { a: 1, b: 2, c: 3 }],
    rejects: [{ d: 1 }, { a: "1" }],
  },
  "optional around required": {
    schema: {
      type: "object",
      properties: { a: {}, b: { type: "null" }, c: { type: "boolean" }, d: { type: "null" } },
      required: ["b", "d"],
      ...closed,
    },
    accepts: [
      { b: null, d: null },
      { a: 1, b: null, d: null },
      { b: null, c: true, d: null },
    ],
    rejects: [{ b: null }, { d: null }, {}],
  },
  "no properties at all": { schema: { type: "object", properties: {}, ...closed }, accepts: [{}], rejects: [{ a: 1 }] },
  "additional properties with a schema": {
    schema: {
      type: "object",
      properties: { id: { type: "integer" } },
      required: ["id"],
      additionalProperties: { type: "boolean" },
    },
    accepts: [{ id: 1 }, { id: 1, x: true, idx: false, i: true }],
    rejects: [{ id: 1, x: 1 }, { x: true }],
  },
  "additional properties true": {
    schema: { type: "object", properties: { kind: { const: "k" } }, required: ["kind"], additionalProperties: true },
    accepts: [{ kind: "k", other: [1], kinds: null }],
    rejects: [{ kind: "j" }],
  },
  "required without properties": {
    schema: { type: "object", required: ["a", "b"], additionalProperties: { type: "string" } },
    accepts: [
      { a: "", b: "x" },
      { a: "", b: "", c: "" },
    ],
    rejects: [{ a: "" }, { a: 1, b: "" }],
  },
  "strange names": {
    schema: {
      type: "object",
      properties: {
        constructor: { type: "string" },
        'quote"d': { type: "null" },
        "new\nline": { type: "null" },
        "back\\slash": { type: "null" },
        "ünïcödé 😀": { type: "boolean" },
        "": { type: "integer" },
      },
      required: ['quote"d', "new\nline", "ünïcödé 😀"],
      additionalProperties: { type: "array" },
    },
    accepts: [
      { 'quote"d': null, "new\nline": null, "ünïcödé 😀": true },
      { constructor: "c", 'quote"d': null, "new\nline": null, "back\\slash": null, "ünïcödé 😀": true, "": 1, z: [] },
    ],
    rejects: [{ 'quote"d': null }],
  },
  minProperties: {
    schema: { type: "object", properties: { a: {}, b: {}, c: {} }, minProperties: 2, ...closed },
    accepts: [
      { a: 1, b: 1 },
      { b: 1, c: 1 },
      { a: 1, b: 1, c: 1 },
    ],
    rejects: [{}, { a: 1 }],
  },
  maxProperties: {
    schema: {
      type: "object",
      properties: { a: {}, b: {}, c: {}, d: {} },
      required: ["c"],
      maxProperties: 2,
      ...closed,
    },
    accepts: [{ c: 1 }, { a: 1, c: 1 }, { c: 1, d: 1 }],
    rejects: [{ a: 1, b: 1, c: 1 }, { a: 1 }],
  },
  "non-empty map": {
    schema: { type: "object", additionalProperties: { type: "integer" }, minProperties: 1, maxProperties: 3 },
    accepts: [{ a: 1 }, { a: 1, b: 2, c: 3 }],
    rejects: [{}, { a: 1, b: 2, c: 3, d: 4 }],
  },
  "names by pattern": {
    schema: { type: "object", propertyNames: { pattern: "^[a-z]{1,4}$" }, additionalProperties: { type: "integer" } },
    accepts: [{}, { ab: 1, abcd: 2 }],
    rejects: [{ A: 1 }, { abcde: 1 }],
  },
  "names by enum": {
    schema: { type: "object", propertyNames: { enum: ["x", "y", "xy"] }, additionalProperties: { type: "integer" } },
    accepts: [{}, { x: 1, xy: 2 }],
    rejects: [{ z: 1 }],
  },
  // Arrays.
  tuple: {
    schema: { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], items: false, minItems: 2 },
    accepts: [["a", 1]],
    rejects: [["a"], ["a", 1, 2], [1, "a"]],
  },
  "tuple with optional end": {
    schema: {
      type: "array",
      prefixItems: [{ type: "string" }, { type: "integer" }, { type: "null" }],
      items: { type: "boolean" },
      minItems: 1,
      maxItems: 5,
    },
    accepts: [["a"], ["a", 1], ["a", 1, null], ["a", 1, null, true, false]],
    rejects: [[], ["a", null], ["a", 1, null, true, true, true]],
  },
  "tuple of draft 7": {
    schema: { type: "array", items: [{ const: 1 }, { const: 2 }], additionalItems: false },
    accepts: [[], [1], [1, 2]],
    rejects: [[2], [1, 2, 3]],
  },
  "bounded array": {
    schema: { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 4 },
    accepts: [
      [1, 2],
      [1, 2, 3, 4],
    ],
    rejects: [[], [1], [1, 2, 3, 4, 5]],
  },
  "at least three": {
    schema: { type: "array", items: { type: "null" }, minItems: 3 },
    accepts: [[null, null, null]],
    rejects: [[null]],
  },
  "empty array": { schema: { type: "array", maxItems: 0 }, accepts: [[]], rejects: [[1]] },
  "one unique item": {
    schema: { type: "array", items: { type: "string" }, uniqueItems: true, maxItems: 1 },
    accepts: [[], ["a"]],
    rejects: [["a", "a"]],
  },
  matrix: {
    schema: {
      type: "array",
      items: { type: "array", items: { type: "array", items: { type: "number" }, maxItems: 2 }, maxItems: 2 },
    },
    accepts: [[], [[[1, 2], [3]], []]],
    rejects: [[1], [[[1, 2, 3]]]],
  },
  // Strings.
  length: {
    schema: { type: "string", minLength: 2, maxLength: 4 },
    accepts: ["ab", "😀😀😀😀", '""'],
    rejects: ["", "a", "abcde"],
  },
  "fixed length": {
    schema: { type: "string", minLength: 3, maxLength: 3 },
    accepts: ["abc", "\n\n\n"],
    rejects: ["ab", "abcd"],
  },
  "pattern of a phone number": {
    schema: { type: "string", pattern: "^(\\([0-9]{3}\\))?[0-9]{3}-[0-9]{4}$" },
    accepts: ["555-1212", "(888)555-1212"],
    rejects: ["5551212", "(888) 555-1212"],
  },
  "pattern without anchors": {
    schema: { type: "string", pattern: "ab+c" },
    accepts: ["abc", 'x"abbbc\n'],
    rejects: ["ac", "xab"],
  },
  "pattern with one anchor": {
    schema: { type: "string", pattern: "^https://" },
    accepts: ["https://", "https://x/\\"],
    rejects: ["http://", " https://"],
  },
  "pattern with alternatives of anchors": {
    schema: { type: "string", pattern: "^a$|^b|c$" },
    accepts: ["a", "bcd", "xxc"],
    rejects: ["ab", "cx", ""],
  },
  "pattern with classes": {
    schema: { type: "string", pattern: "^\\w+\\s[^\\d\\s]\\D?$" },
    accepts: ["ab_1 x", "a\ty."],
    rejects: ["ab1x", "a 1"],
  },
  "pattern with escapes": {
    schema: { type: "string", pattern: '^["\\\\\\n\\t/]{2}$' },
    accepts: ['"\\', "\n\t", "//"],
    rejects: ['"', "ab"],
  },
  "pattern with lookahead": {
    schema: { type: "string", pattern: "^(?=.*[a-z])(?=.*\\d)(?!admin)[A-Za-z\\d]{6,12}$" },
    accepts: ["passw0rd", "abcde1"],
    rejects: ["password", "12345678", "admin123", "a1"],
  },
  "pattern with a property": {
    schema: { type: "string", pattern: "^\\p{Lu}\\p{L}*$", maxLength: 8 },
    accepts: ["Éa", "Ωmega"],
    rejects: ["éa", "A1"],
  },
  "pattern and length": {
    schema: { type: "string", pattern: "^[a-z]+(-[a-z]+)*$", minLength: 4, maxLength: 9 },
    accepts: ["abcd", "ab-cd-ef"],
    rejects: ["abc", "abcdefghij", "ab--cd"],
  },
  "two patterns": {
    schema: { allOf: [{ type: "string", pattern: "^a" }, { pattern: "z$" }] },
    accepts: ["az", "abcz"],
    rejects: ["a", "z"],
  },
  "format date": {
    schema: { type: "string", format: "date" },
    accepts: ["2024-02-29", "2000-02-29", "1999-12-31"],
    rejects: ["1900-02-29", "2024-04-31", "2024-13-01"],
  },
  "format time": {
    schema: { type: "string", format: "time" },
    accepts: ["23:59:59Z", "00:00:00.5+01:00"],
    rejects: ["24:00:00Z", "12:00:00"],
  },
  "format date-time": {
    schema: { type: "string", format: "date-time" },
    accepts: ["2024-02-29T12:00:00Z"],
    rejects: ["2024-02-30T12:00:00Z", "2024-02-29"],
  },
  "format duration": {
    schema: { type: "string", format: "duration" },
    accepts: ["P1Y2M3D", "PT36H", "P4W", "P1DT12H30M5S"],
    rejects: ["P", "PT", "1D"],
  },
  "format ipv4": {
    schema: { type: "string", format: "ipv4" },
    accepts: ["127.0.0.1", "255.255.255.255"],
    rejects: ["256.0.0.1", "1.2.3"],
  },
  "format ipv6": {
    schema: { type: "string", format: "ipv6" },
    accepts: ["::", "::1", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "1::"],
    rejects: [":", "1:2:3:4:5:6:7", "1::2::3"],
  },
  "format uri": {
    schema: { type: "string", format: "uri" },
    accepts: ["https://example.com/a/b?x=1#y", "http://localhost:8080/"],
    rejects: ["example.com", "http://a b"],
  },
  "format hostname": {
    schema: { type: "string", format: "hostname" },
    accepts: ["example.com", "a-b.c"],
    rejects: ["-a.com", "a..b"],
  },
  "format email": {
    schema: { type: "string", format: "email" },
    accepts: ["a.b@c-d.org"],
    rejects: ["a@b", ".a@b.co"],
  },
  "format byte": {
    schema: { type: "string", format: "byte" },
    accepts: ["", "aGk=", "aGVsbG8h"],
    rejects: ["a", "a==="],
  },
  // Numbers.
  "integer range": {
    schema: { type: "integer", minimum: -17, maximum: 230 },
    accepts: [-17, -9, 0, 9, 10, 99, 100, 199, 230],
    rejects: [-18, 231, 1.5],
  },
  "integer from": {
    schema: { type: "integer", minimum: 18 },
    accepts: [18, 20, 99, 100, 123456],
    rejects: [17, 0, -20],
  },
  "integer to": { schema: { type: "integer", exclusiveMaximum: 0 }, accepts: [-1, -1000], rejects: [0, 1] },
  "integer between halves": {
    schema: { type: "integer", minimum: 1.5, exclusiveMaximum: 4.2 },
    accepts: [2, 3, 4],
    rejects: [1, 5],
  },
  "number range": {
    schema: { type: "number", minimum: 0.25, maximum: 12.5 },
    accepts: [0.25, 0.3, 1, 9.99, 12, 12.5],
    rejects: [0.249, 12.51, 13, -1],
  },
  "number open at zero": {
    schema: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
    accepts: [0.5, 0.001, 0.999],
    rejects: [0, 1, -0.5],
  },
  "negative numbers": {
    schema: { type: "number", minimum: -2.75, maximum: -0.5 },
    accepts: [-2.75, -1, -0.5, -2.7],
    rejects: [-2.76, -0.4, 0, 1],
  },
  "number around zero": {
    schema: { type: "number", minimum: -1, maximum: 1 },
    accepts: [-1, -0.5, 0, 0.5, 1],
    rejects: [1.1, -1.1],
  },
  temperature: {
    schema: { type: "number", exclusiveMinimum: -273.15 },
    accepts: [-273.1, 0, 1000.5],
    rejects: [-273.15, -274],
  },
  "draft 4 exclusive": {
    schema: { type: "integer", minimum: 1, exclusiveMinimum: true, maximum: 3 },
    accepts: [2, 3],
    rejects: [1, 4],
  },
  "multiple of one": { schema: { type: "number", multipleOf: 1 }, accepts: [3, -2], rejects: [1.5] },
  int32: { schema: { type: "integer", format: "int32" }, accepts: [2147483647, -2147483648], rejects: [2147483648] },
  // Combinations.
  "allOf of objects": {
    schema: {
      allOf: [
        { type: "object", properties: { a: { type: "integer" } }, required: ["a"] },
        { type: "object", properties: { a: { minimum: 3 }, b: { type: "string" } }, required: ["b"] },
      ],
    },
    accepts: [{ a: 3, b: "" }],
    rejects: [{ a: 2, b: "" }, { a: 3 }],
  },
  "allOf with reference and sibling": {
    schema: { $ref: "#/definitions/base", maxLength: 3, definitions: { base: { type: "string", minLength: 1 } } },
    accepts: ["a", "abc"],
    rejects: ["", "abcd"],
  },
  "anyOf beside properties": {
    schema: {
      type: "object",
      properties: { mode: { enum: ["a", "b"] }, x: { type: "integer" } },
      required: ["mode"],
      anyOf: [{ properties: { mode: { const: "a" } } }, { properties: { mode: { const: "b" } }, required: ["x"] }],
    },
    accepts: [{ mode: "a" }, { mode: "a", x: 1 }, { mode: "b", x: 1 }],
    rejects: [{ mode: "b" }, { mode: "c" }],
  },
  "allOf times anyOf": {
    schema: {
      allOf: [{ anyOf: [{ type: "string" }, { type: "integer" }] }, { anyOf: [{ type: "integer" }, { type: "null" }] }],
    },
    accepts: [4],
    rejects: ["a", null],
  },
  "oneOf of types": {
    schema: { oneOf: [{ type: "string", maxLength: 2 }, { type: "number" }, { type: "null" }] },
    accepts: ["ab", 1, null],
    rejects: ["abc", true],
  },
  "oneOf of ranges": {
    schema: {
      oneOf: [
        { type: "integer", maximum: -5 },
        { type: "integer", minimum: 5 },
      ],
    },
    accepts: [-5, 5, 700],
    rejects: [0],
  },
  unevaluatedProperties: {
    schema: {
      type: "object",
      allOf: [{ properties: { a: { type: "integer" } } }],
      properties: { b: { type: "integer" } },
      required: ["a"],
      unevaluatedProperties: false,
    },
    accepts: [{ b: 2, a: 1 }, { a: 1 }],
    rejects: [{ a: 1, c: 1 }, {}],
  },
  "mutual recursion": {
    schema: {
      $defs: {
        expression: { anyOf: [{ type: "number" }, { $ref: "#/$defs/sum" }] },
        sum: {
          type: "object",
          properties: {
            op: { enum: ["+", "-"] },
            of: { type: "array", items: { $ref: "#/$defs/expression" }, minItems: 2 },
          },
          required: ["op", "of"],
          ...closed,
        },
      },
      $ref: "#/$defs/expression",
    },
    accepts: [1, { op: "+", of: [1, { op: "-", of: [2, 3] }] }],
    rejects: [{ op: "+", of: [1] }, "1"],
  },
  "reference by pointer with escapes": {
    schema: {
      type: "object",
      properties: { "a/b": { type: "string" }, c: { $ref: "#/properties/a~1b" } },
      required: ["c"],
      ...closed,
    },
    accepts: [{ c: "x" }],
    rejects: [{ c: 1 }],
  },
  "no type but properties": {
    schema: { properties: { a: { type: "integer" } }, required: ["a"] },
    accepts: [{ a: 1 }],
    rejects: [{}],
  },
  "impossible optional property": {
    schema: { type: "object", properties: { a: false, b: { type: "integer" } }, ...closed },
    accepts: [{}, { b: 1 }],
    rejects: [{ a: 1 }],
  },
};
