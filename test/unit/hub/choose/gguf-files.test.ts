import { describe, expect, it } from "vitest";
import { chooseGguf, isGgufModel, variantOfGguf } from "../../../../src/hub/choose/gguf-files.ts";

const files = (...paths: string[]) => paths.map((path) => ({ path, bytes: 1 }));
const choose = (paths: readonly string[], variant: string | null) =>
  chooseGguf(files(...paths), { variant, file: null, repository: "o/r" })[0];

describe("a GGUF variant", () => {
  it.each([
    [["a-Q8_0.gguf", "a-Q4_K_M.gguf"], null, "a-Q4_K_M.gguf"],
    [["a-Q5_0.gguf", "a-Q8_0.gguf"], null, "a-Q8_0.gguf"],
    [["a-Q5_0.gguf", "a-F16.gguf"], null, "a-Q5_0.gguf"],
    [["mmproj-Q4_K_M.gguf", "a-imatrix-Q4_K_M.gguf", "mtp-Q4_K_M.gguf", "a-Q2_K.gguf"], null, "a-Q2_K.gguf"],
    [["a-Q4_K_M.gguf", "a-Q4_K_S.gguf"], "q4_k_s", "a-Q4_K_S.gguf"],
    [["a-UD-Q4_K_XL.gguf", "a-Q4_K_M.gguf"], "UD-Q4_K_XL", "a-UD-Q4_K_XL.gguf"],
    [["a-IQ4_XS.gguf", "a-Q4_0.gguf"], "Q4_0", "a-Q4_0.gguf"],
    [["BF16/a-BF16-00001-of-00002.gguf", "BF16/a-BF16-00002-of-00002.gguf"], "bf16", "BF16/a-BF16-00001-of-00002.gguf"],
    [["a.fp16.gguf"], "F16", "a.fp16.gguf"],
    [["a.f16.gguf"], "fp16", "a.f16.gguf"],
    [["a.q4_k_m.gguf"], null, "a.q4_k_m.gguf"],
  ])("of %j asked for as %s is %s", (paths, variant, expected) => {
    expect(choose(paths, variant)).toBe(expected);
  });

  it("must stand before a dot or a hyphen, and after something that is no part of it", () => {
    expect(() => choose(["a-Q4_K_M.gguf"], "Q4_K")).toThrow("o/r has no variant Q4_K.");
    expect(() => choose(["a-IQ4_XS.gguf"], "Q4_XS")).toThrow("o/r has no variant Q4_XS.");
  });

  it.each([
    ["SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"],
    ["Qwen3-4B-Q4_K_M.gguf", "Q4_K_M"],
    ["x/Llama-UD-Q4_K_XL-00001-of-00002.gguf", "UD-Q4_K_XL"],
    ["gpt-oss-20b-mxfp4.gguf", "mxfp4"],
    ["m-bf16.gguf", "bf16"],
    ["model.gguf", null],
  ])("in the name %s is %s", (path, variant) => {
    expect(variantOfGguf(path)).toBe(variant);
  });

  it.each([
    ["a.gguf", true],
    ["a-00001-of-00003.gguf", true],
    ["a-00002-of-00003.gguf", false],
    ["sub/mmproj-a.gguf", false],
    ["a.safetensors", false],
    ["draft-a.gguf", false],
  ])("%s is a model: %s", (path, expected) => {
    expect(isGgufModel(path)).toBe(expected);
  });
});
