// Validators from OpenAI's own OpenAPI document, which lies beside the repository.
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { shared, sharedPath } from "../../../support/shared.ts";

type Json = Record<string, unknown>;

const segments = ["spec", "openai-openapi-subset.json"] as const;

export const openAiDocument = shared(...segments);

let loaded: Json | undefined;
let ajv: Ajv2020 | undefined;

function schemas(): Record<string, Json> {
  loaded ??= JSON.parse(readFileSync(sharedPath(...segments), "utf8")) as Json;
  return (loaded["components"] as { schemas: Record<string, Json> }).schemas;
}

/** Names of all properties of a component, through allOf and $ref. */
export function propertiesOf(component: string): string[] {
  const names = new Set<string>();
  const visit = (schema: Json): void => {
    const ref = schema["$ref"];
    if (typeof ref === "string") visit(schemas()[ref.slice("#/components/schemas/".length)] ?? {});
    for (const part of (schema["allOf"] ?? []) as Json[]) visit(part);
    for (const name of Object.keys(schema["properties"] ?? {})) names.add(name);
  };
  visit(schemas()[component] ?? {});
  return [...names].sort();
}

/** The faults that OpenAI's document finds in `value` as a `component`; empty = valid. */
export function faultsOf(component: string, value: unknown): string[] {
  ajv ??= new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).addSchema({
    $id: "openai",
    components: { schemas: normalise(schemas()) },
  });
  const validate = ajv.getSchema(`openai#/components/schemas/${component}`);
  if (validate === undefined) throw new Error(`OpenAI's document has no ${component}.`);
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ""}`);
}

/** The document says 3.1 and still writes `nullable: true` as 3.0 did; ajv reads only the former. */
function normalise(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(normalise);
  if (typeof node !== "object" || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, normalise(value)]));
  // Its discriminators name no mapping that ajv could use, and oneOf says the same.
  delete copy["discriminator"];
  if (copy["nullable"] !== true) return copy;
  delete copy["nullable"];
  return { anyOf: [copy, { type: "null" }] };
}
