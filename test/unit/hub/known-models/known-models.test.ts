import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { modelSchemas } from "../../../../src/config/schema/models.ts";
import { loadKnownModels } from "../../../../src/hub/known-models/known-models.ts";
import { resolveReference } from "../../../../src/hub/known-models/resolve-reference.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const folder = temporaryFolder("known");
const own = loadKnownModels(null, { HOME: folder });
const list = (text: string) => {
  const file = join(folder, "list.yaml");
  writeFileSync(file, text);
  return () => loadKnownModels(file, { HOME: folder });
};

describe("the list of known models", () => {
  it.each([
    "meta-llama/Meta-Llama-3-70B-Instruct",
    "stabilityai/stable-diffusion-xl-base-1.0",
    "intfloat/e5-large-v2",
    "smollm2-135m-instruct",
    "all-minilm-l6-v2",
    "sd-turbo",
    "sdxl-turbo",
    "lcm-dreamshaper-v7",
  ])("has %s under exactly this name", (name) => {
    expect(own.find(name)?.name).toBe(name);
  });

  it.each([
    ["SDXL", "stabilityai/stable-diffusion-xl-base-1.0"],
    ["e5-large-v2", "intfloat/e5-large-v2"],
    ["llama-3-70b", "meta-llama/Meta-Llama-3-70B-Instruct"],
    ["Qwen/Qwen3-4B", "qwen3-4b"],
  ])("has %s as another name of %s", (name, expected) => {
    expect(own.find(name)?.name).toBe(expected);
  });

  it("has chat models of five families, embeddings, a reranker and images for each size of machine", () => {
    const models = own.list();
    for (const family of ["qwen", "llama", "gemma", "phi", "smollm"]) {
      expect(
        models.some(({ name, serves }) => serves === "chat" && name.includes(family)),
        family,
      ).toBe(true);
    }
    for (const memory of ["8GB", "16GB", "64GB"]) {
      expect(
        models.some((model) => model.memory === memory && model.serves === "chat"),
        memory,
      ).toBe(true);
    }
    for (const serves of ["embeddings", "rerank", "images"]) {
      expect(
        models.some((model) => model.serves === serves),
        serves,
      ).toBe(true);
    }
  });

  it("names every model once", () => {
    const names = own
      .list()
      .flatMap(({ name, also }) => [name, ...also])
      .map((name) => name.toLowerCase());
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("gives each only options that the configuration has for its kind", () => {
    for (const { name, serves, options } of own.list()) {
      const kinds = serves === "chat" ? ["text"] : serves === "images" ? ["image"] : ["text", "embedding"];
      const fits = kinds.some(
        (kind) => modelSchemas[kind as keyof typeof modelSchemas].safeParse({ path: "x", ...options }).success,
      );
      expect(fits, name).toBe(true);
    }
  });

  it("is added to and replaced by the user's own list", () => {
    const models = list(
      "qwen3-4b:\n  serves: chat\n  sources: [hf:mine/qwen]\nmine:\n  also: [my-model]\n  serves: rerank\n  sources: [hf:mine/rank]\n",
    )();
    expect(models.find("my-model")?.sources).toMatchObject([{ type: "hub", reference: { repository: "mine/rank" } }]);
    expect(models.find("qwen3-4b")?.sources).toMatchObject([{ reference: { repository: "mine/qwen" } }]);
    expect(models.find("qwen3-8b")).toBeDefined();
  });

  it.each([
    ["a: { serves: chat }", /list\.yaml cannot be used: a\.sources: /],
    ["a: { serves: talk, sources: [hf:o/r] }", /a\.serves: /],
    ["a: { serves: chat, sources: [hf:o] }", /a\.sources: hf:o names no repository/],
    ["a: { serves: chat, sources: [./x.gguf] }", /a\.sources: \.\/x\.gguf is neither hf:, nor https:, nor pip:/],
    ["a: { serves: chat, sources: [{ packages: [{ from: hf:o/r }] }] }", /is not of the form pip:/],
    ["a: { serves: chat, sources: [hf:o/r], size: 1 }", /size/],
    ["a: [", /cannot be used/],
  ])("refuses %j of the user's with its place", (text, message) => {
    expect(list(text)).toThrow(message);
  });

  it("refuses a file that was named and is not there", () => {
    expect(() => loadKnownModels(join(folder, "gone.yaml"), {})).toThrow(
      /gone\.yaml cannot be used: it cannot be read \(ENOENT\)/,
    );
  });
});

describe("a text in the place of a model", () => {
  it.each([
    ["hf:intfloat/e5-large-v2", "intfloat/e5-large-v2"],
    ["intfloat/E5-large-v2:int8", "intfloat/e5-large-v2:int8"],
    ["qwen3-4b:Q8_0", "qwen3-4b:Q8_0"],
    ["hf:other/repo:Q8_0", "other/repo:Q8_0"],
  ])("%s means %s", (text, name) => {
    expect(resolveReference(text, own)).toMatchObject({ type: "pullable", name });
  });

  it("with a variant leaves out the packages that hold another one", () => {
    const sources = (text: string) => {
      const meaning = resolveReference(text, own);
      return meaning.type === "pullable" ? meaning.sources.map(({ type }) => type) : [];
    };
    expect(sources("smollm2-135m-instruct")).toEqual(["hub", "packages"]);
    expect(sources("smollm2-135m-instruct:Q8_0")).toEqual(["hub"]);
    expect(sources("smollm2-135m-instruct:q4_1")).toEqual(["hub", "packages"]);
  });
});
