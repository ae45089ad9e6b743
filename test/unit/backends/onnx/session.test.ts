import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { createSessionOpener } from "../../../../src/backends/onnx/session.ts";

const graph = resolve(import.meta.dirname, "../../../../models/tiny-embed/onnx/model.onnx");

describe("createSessionOpener", () => {
  it("uses the first provider of the list, without a note, if it works", async () => {
    const opener = createSessionOpener({ executionProviders: ["cpu", "no-such-provider"], threads: 1 });
    await (await opener.open(graph)).release();
    expect(opener.device).toBe("cpu");
    expect(opener.deviceNote).toBeUndefined();
  });

  it("falls back to the CPU, says why, and tries a provider that failed for no further graph", async () => {
    const opener = createSessionOpener({ executionProviders: ["no-such-provider"], threads: 1 });
    for (let i = 0; i < 2; i++) await (await opener.open(graph)).release();
    expect(opener.device).toBe("cpu");
    expect(opener.deviceNote).toMatch(/^cpu is used because others failed: no-such-provider: /);
    expect(opener.deviceNote?.match(/no-such-provider: /g)).toHaveLength(1);
  });

  it("keeps every provider after a graph that none of them opens", async () => {
    const opener = createSessionOpener({ executionProviders: ["no-such-provider"], threads: 1 });
    await expect(opener.open(join(graph, "nowhere.onnx"))).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringMatching(/nowhere\.onnx cannot be opened: no-such-provider: .*; cpu: /s),
    });
    expect(opener.deviceNote).toBeUndefined();
  });
});
