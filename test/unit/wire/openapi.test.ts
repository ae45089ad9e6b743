import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { createOpenApiDocument } from "../../../src/wire/openapi.ts";
import { answerHeader } from "./support/text-events.ts";

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
  readonly components: { readonly schemas: Record<string, Record<string, unknown>> };
}

const document = createOpenApiDocument({ version: "1.2.3", serverUrl: "http://127.0.0.1:8484" }) as unknown as Document;

const ajv = new Ajv2020({ strict: false }).addSchema({ $id: "hearth", ...document });

function accepts(component: string, value: unknown): boolean {
  return ajv.validate({ $ref: `hearth#/components/schemas/${component}` }, value);
}

describe("the OpenAPI document", () => {
  it("is 3.1 with every API endpoint, each with an id of its own and an answer", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(document.info).toMatchObject({ title: "Hearth", version: "1.2.3" });
    expect(document.servers[0]?.url).toBe("http://127.0.0.1:8484");
    expect(Object.keys(document.paths).sort()).toEqual([
      "/admin/events",
      "/admin/models",
      "/admin/models/{model}/load",
      "/admin/models/{model}/unload",
      "/apply-template",
      "/health/live",
      "/health/ready",
      "/v1/chat/completions",
      "/v1/completions",
      "/v1/embeddings",
      "/v1/images/edits",
      "/v1/images/generations",
      "/v1/models",
      "/v1/models/{model}",
      "/v1/rerank",
    ]);
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(operations.length);
    expect(operations.every((operation) => "200" in operation.responses)).toBe(true);
  });

  it("has a schema behind every reference, and each schema compiles", () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? "");
    const known = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`));
    expect(references.filter((reference) => !known.has(reference))).toEqual([]);
    for (const name of Object.keys(document.components.schemas)) expect(() => accepts(name, null)).not.toThrow();
  });

  it("accepts and refuses as the server does", () => {
    const chat = { model: "m", messages: [{ role: "user", content: "x" }] };
    expect(accepts("ChatCompletionRequest", { ...chat, stop: null, n: 2, unknown: 1 })).toBe(true);
    expect(accepts("ChatCompletionRequest", { ...chat, n: 0 })).toBe(false);
    expect(accepts("ChatCompletionRequest", { messages: chat.messages })).toBe(false);
    expect(accepts("EmbeddingRequest", { input: [[1, 2]] })).toBe(true);
    expect(accepts("EmbeddingRequest", {})).toBe(false);
    expect(accepts("EmbeddingRequest", { input: [] })).toBe(false);
    expect(accepts("CompletionRequest", { model: "m" })).toBe(false);
    expect(accepts("ImageRequest", { model: "m", prompt: "p", size: "1024*1024" })).toBe(true);
    expect(accepts("ErrorResponse", { error: { message: "", type: "", param: null, code: null } })).toBe(true);
    expect(accepts("ChatCompletion", answerHeader)).toBe(false);
  });

  it("says how each field is handled", () => {
    const request = JSON.stringify(document.components.schemas["ChatCompletionRequest"]);
    expect(request).toContain("Accepted without effect.");
    expect(request).toContain("`web_search_options`: This server does not search the web.");
  });
});
