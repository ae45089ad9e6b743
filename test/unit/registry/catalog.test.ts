// How a name is resolved to a model.
import { describe, expect, it } from "vitest";
import type { ConfiguredModel } from "../../../src/domain/model.ts";
import { createCatalog } from "../../../src/registry/catalog.ts";

const model = (id: string, purpose: ConfiguredModel["purpose"]) => ({ id, purpose }) as ConfiguredModel;
const models = [model("org/chat", "text"), model("e5", "embedding"), model("gpt-4o", "text")];
const catalog = createCatalog(models, {
  aliases: new Map([["o3", "gpt-4o"]]),
  openAiModels: { text: "org/chat", embedding: "e5", rerank: null, image: null },
});

describe("a model's name", () => {
  it.each([
    ["a model before an alias and a name of OpenAI's", "gpt-4o", "gpt-4o"],
    ["an alias before a name of OpenAI's", "o3", "gpt-4o"],
    ["any name of an OpenAI text model", "gpt-5.2-2026-01-01", "org/chat"],
    ["any name of an OpenAI embedding model", "text-embedding-9", "e5"],
  ])("is %s", (_, name, id) => {
    expect(catalog.resolve(name).id).toBe(id);
  });

  it("is refused where no model of its kind is there, or names of OpenAI's are not taken", () => {
    expect(() => catalog.resolve("dall-e-3")).toThrow("does not exist");
    expect(() => createCatalog(models, { aliases: new Map() }).resolve("gpt-5")).toThrow("does not exist");
  });

  it("is refused with the nearest name, all models and all aliases", () => {
    expect(() => catalog.resolve("org/caht")).toThrow(
      "The model 'org/caht' does not exist. Did you mean 'org/chat'? This server offers: 'org/chat', 'e5', 'gpt-4o'. Their aliases: 'o3'.",
    );
  });
});
