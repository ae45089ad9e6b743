import { describe, expect, it } from "vitest";
import { toModel, toModelList } from "../../../../../src/wire/openai/models/map.ts";
import { modelList } from "../../../../../src/wire/openai/models/contract.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";

const spec = { kind: "text", createdSeconds: 1_700_000_000.5 } as const;

describe("the model list", () => {
  it("has OpenAI's fields, and facts of loaded models beside them", () => {
    const description = { operations: ["chat"], facts: { context_length: 4096, id: "stolen" } } as const;
    expect(toModel({ id: "org/a", spec, state: "ready", description })).toEqual({
      id: "org/a",
      object: "model",
      created: 1_700_000_000,
      owned_by: "hearth",
      kind: "text",
      state: "ready",
      operations: ["chat"],
      context_length: 4096,
    });
  });

  it("lists an alias with the model behind it", () => {
    expect(toModel({ id: "gpt-4o", spec, aliasOf: "org/a" })).toMatchObject({ id: "gpt-4o", alias_of: "org/a" });
  });

  it.skipIf(!openAiDocument.isMet)(`is what OpenAI's document describes${openAiDocument.note}`, () => {
    const list = toModelList([{ id: "a", spec }]);
    expect(modelList().parse(list)).toEqual(list);
    expect(faultsOf("ListModelsResponse", list)).toEqual([]);
  });
});
