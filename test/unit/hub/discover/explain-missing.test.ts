import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createMissingExplainer } from "../../../../src/hub/discover/explain-missing.ts";
import { ModelStore } from "../../../../src/hub/store/model-store.ts";
import { createCatalog } from "../../../../src/registry/catalog.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const folder = temporaryFolder("missing");
const storeDirectory = join(folder, "store");
const explain = createMissingExplainer(
  { storeDirectory, knownModels: null, modelsDirectories: [], offer: "pulled" },
  { HOME: folder },
);

describe("a request for a model that is not served", () => {
  it.each(["intfloat/e5-large-v2", "sdxl", "qwen3-4b:Q8_0"])(
    "%s, which is known, tells the command that fetches it",
    (name) => {
      const catalog = createCatalog([], { aliases: new Map(), explainMissing: explain });
      expect(() => catalog.resolve(name)).toThrow(
        expect.objectContaining({
          kind: "model_not_found",
          param: "model",
          message: `The model '${name}' is known, but it is not on this machine. Fetch it with: hearth pull ${name}`,
        }),
      );
    },
  );

  it("says of one that was pulled meanwhile that the server must start again", () => {
    const model = { reference: "x", source: "x", options: {}, commit: null, license: null, files: [], pulledAt: "" };
    new ModelStore(storeDirectory).write({ ...model, name: "late", kind: "text", path: folder, isComplete: true });
    expect(explain("late")).toBe(
      "The model 'late' was pulled after this server was started: start the server again to use it.",
    );
  });

  it("says nothing of one that nobody knows", () => {
    expect(explain("xyzzy")).toBeUndefined();
  });
});
