// The model list, from a catalogue and the states of its models.
import { describe, expect, it } from "vitest";
import type { ConfiguredModel } from "../../../src/domain/model.ts";
import { createCatalog } from "../../../src/registry/catalog.ts";
import { createModelStates } from "../../../src/registry/model-states.ts";
import { createModelsService } from "../../../src/services/models.ts";
import { fakeDescription } from "../../support/fake-backend.ts";

function createTestModels() {
  const [first, second] = ["org/a", "b"].map((id) => ({ id, purpose: "text" }) as ConfiguredModel);
  const catalog = createCatalog([first as ConfiguredModel, second as ConfiguredModel], {
    aliases: new Map([
      ["gpt-4o", "b"],
      ["o3", "org/a"],
    ]),
  });
  const states = createModelStates(["org/a", "b"]);
  return { models: createModelsService({ catalog, states }), states, first, second };
}

describe("the model list", () => {
  it("has every model, then every alias with the model behind it, in the order of the configuration", () => {
    const { models, first, second } = createTestModels();
    expect(models.list()).toEqual([
      { id: "org/a", spec: first, state: "absent" },
      { id: "b", spec: second, state: "absent" },
      { id: "gpt-4o", spec: second, aliasOf: "b", state: "absent" },
      { id: "o3", spec: first, aliasOf: "org/a", state: "absent" },
    ]);
  });

  it("follows a model's life, and shows what it says of itself from when it is ready until it has ended", () => {
    const { models, states } = createTestModels();
    const at = { model: "b", generation: 1 };
    const instance = { processId: 7, residentBytes: 5, description: fakeDescription };
    states.apply({ ...at, type: "load-begun", bytes: 5 });
    expect(models.get("b")).toMatchObject({ state: "loading" });
    expect(models.get("b")).not.toHaveProperty("description");
    states.apply({ ...at, type: "ready", loadMs: 1, bytes: 5, instance });
    expect(models.get("gpt-4o")).toMatchObject({ id: "gpt-4o", aliasOf: "b", state: "ready" });
    expect(models.list().map(({ description }) => description)).toEqual([
      undefined,
      fakeDescription,
      fakeDescription,
      undefined,
    ]);
    states.apply({ ...at, type: "unload-begun", bytes: 5, reason: { type: "idle" } });
    expect(models.get("b")).toMatchObject({ state: "draining", description: fakeDescription });
    states.apply({ ...at, type: "crashed", aliveMs: 1, bytes: 5, exit: "SIGKILL" });
    expect(models.get("b").state).toBe("absent");
    expect(models.get("b")).not.toHaveProperty("description");
  });

  it("says that a model does not exist, and which ones do", () => {
    const { models } = createTestModels();
    expect(() => models.get("a")).toThrow(
      "The model 'a' does not exist. Did you mean 'b'? This server offers: 'org/a', 'b'. Their aliases: 'gpt-4o', 'o3'.",
    );
  });
});
