// Eight schemas as applications send them, with a question for each. Strings and lists are bounded, so that even a small model ends.

type Schema = Readonly<Record<string, unknown>>;

const text = (maxLength: number): Schema => ({ type: "string", maxLength });
const object = (properties: Readonly<Record<string, Schema>>, required = Object.keys(properties)): Schema => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

export interface RealSchema {
  readonly name: string;
  readonly question: string;
  readonly schema: Schema;
}

const list = (items: Schema, maxItems: number, minItems = 0): Schema => ({ type: "array", items, minItems, maxItems });

export const realSchemas: readonly RealSchema[] = [
  {
    name: "event",
    question: "Alice and Bob meet on 3 May 2026 at 10:00 in Oslo to plan the budget. Extract the event.",
    schema: object({
      title: text(40),
      starts_at: { type: "string", format: "date-time" },
      participants: list(text(20), 3, 1),
      place: { anyOf: [text(20), { type: "null" }] },
    }),
  },
  {
    name: "invoice",
    question: "Invoice 2041: two chairs at 49.50 and a lamp at 20, in euro. Write it as JSON.",
    schema: object({
      number: { type: "string", pattern: "^[0-9]{4}$" },
      currency: { enum: ["EUR", "USD", "GBP"] },
      lines: list(
        object({
          description: text(20),
          quantity: { type: "integer", minimum: 1, maximum: 99 },
          price: { type: "number" },
        }),
        3,
        1,
      ),
      paid: { type: "boolean" },
    }),
  },
  {
    name: "sentiment",
    question: "Review: 'The soup was cold but the waiter was kind.' Rate it.",
    schema: object({
      sentiment: { enum: ["positive", "negative", "mixed"] },
      stars: { type: "integer", minimum: 1, maximum: 5 },
      reasons: list(text(30), 2, 1),
    }),
  },
  {
    name: "address",
    question: "Write the address 10 Downing Street, London SW1A 2AA as JSON.",
    schema: {
      ...object({ street: text(30), city: text(20), postcode: text(10), country: { const: "GB" } }, [
        "street",
        "city",
        "country",
      ]),
    },
  },
  {
    name: "tree",
    question: "Write a table of contents with two chapters, the first of which has a section.",
    schema: {
      $defs: {
        node: object({ title: text(16), children: list({ $ref: "#/$defs/node" }, 2) }),
      },
      $ref: "#/$defs/node",
    },
  },
  {
    name: "shape",
    question: "Describe a circle of radius 2.",
    schema: object({
      shape: {
        anyOf: [
          object({ kind: { const: "circle" }, radius: { type: "number" } }),
          object({ kind: { const: "rectangle" }, width: { type: "number" }, height: { type: "number" } }),
        ],
      },
    }),
  },
  {
    name: "settings",
    question: "Turn on dark mode and notifications, and set the volume to 40.",
    schema: {
      type: "object",
      properties: { volume: { type: "integer", minimum: 0, maximum: 100 } },
      additionalProperties: { type: "boolean" },
      required: ["volume"],
      maxProperties: 3,
    },
  },
  {
    name: "contact",
    question: "Reach Ada at ada@example.org, her id is 123e4567-e89b-12d3-a456-426614174000.",
    schema: object({
      id: { type: "string", format: "uuid" },
      email: { type: "string", format: "email", maxLength: 24 },
      tags: { ...list({ enum: ["friend", "work", "family"] }, 3), uniqueItems: false },
    }),
  },
];
