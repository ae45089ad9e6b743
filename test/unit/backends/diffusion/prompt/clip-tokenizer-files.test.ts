// Both file layouts and every way of naming special tokens, on a vocabulary small enough to read.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import {
  loadClipTokenizer,
  parseClipTokenizer,
  type ClipTokenizerFiles,
} from "../../../../../src/backends/diffusion/prompt/clip-tokenizer-files.ts";
import {
  ClipTokenizerError,
  createClipTokenizer,
} from "../../../../../src/backends/diffusion/prompt/clip-tokenizer.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const symbols = ["!", "a", "b", "c", "!</w>", "a</w>", "b</w>", "c</w>", "ab", "ab</w>", "abc</w>", "!!</w>"];
const vocabulary = Object.fromEntries(
  [...symbols, "<|startoftext|>", "<|endoftext|>"].map((symbol, id) => [symbol, id]),
);
const merges = ["a b", "a b</w>", "ab c</w>", "! !</w>"];
const bos = 12;
const eos = 13;

const vocabAndMerges: ClipTokenizerFiles = {
  vocabJson: JSON.stringify(vocabulary),
  mergesTxt: ["#version: 0.2", ...merges, ""].join("\n"),
};

function tokenizerJson(form: "strings" | "pairs", added: readonly { id: number; content: string }[] = []): string {
  const written = form === "strings" ? merges : merges.map((merge) => merge.split(" "));
  return JSON.stringify({ added_tokens: added, model: { type: "BPE", vocab: vocabulary, merges: written } });
}

function encodeWith(files: ClipTokenizerFiles, text: string): number[] {
  return createClipTokenizer(parseClipTokenizer(files)).encode(text);
}

describe("layouts of a tokenizer folder", () => {
  const text = "ABC ab a!! cab";
  const ids = [10, 9, 5, 11, 3, 9];

  it("reads vocab.json with merges.txt, whatever its line ends", () => {
    expect(encodeWith(vocabAndMerges, text)).toEqual(ids);
    expect(
      encodeWith({ ...vocabAndMerges, mergesTxt: vocabAndMerges.mergesTxt!.replaceAll("\n", "\r\n") }, text),
    ).toEqual(ids);
  });

  it("reads tokenizer.json with merges as strings or as pairs", () => {
    expect(encodeWith({ tokenizerJson: tokenizerJson("strings") }, text)).toEqual(ids);
    expect(encodeWith({ tokenizerJson: tokenizerJson("pairs") }, text)).toEqual(ids);
  });

  it("leaves out merges to symbols that have no id, which OpenAI's list goes on with", () => {
    const mergesTxt = `${vocabAndMerges.mergesTxt}\nab ab</w>`;
    expect(encodeWith({ ...vocabAndMerges, mergesTxt }, "abab")).toEqual([8, 9]);
  });

  it("finds added tokens literally, before words are split", () => {
    const files = { tokenizerJson: tokenizerJson("pairs", [{ id: 14, content: "<style>" }]) };
    expect(encodeWith(files, "a<style>b")).toEqual([5, 14, 6]);
  });

  it.each([
    ["nothing at all", {}],
    ["a vocabulary without merges", { vocabJson: vocabAndMerges.vocabJson }],
    [
      "a tokenizer.json of another kind",
      { tokenizerJson: JSON.stringify({ model: { type: "WordPiece", vocab: {} } }) },
    ],
    ["broken JSON", { ...vocabAndMerges, vocabJson: "{" }],
    ["an empty vocabulary", { ...vocabAndMerges, vocabJson: "{}" }],
    ["a pad token that is no symbol", { ...vocabAndMerges, tokenizerConfigJson: '{"pad_token": "<pad>"}' }],
  ])("refuses %s", (_, files: ClipTokenizerFiles) => {
    expect(() => createClipTokenizer(parseClipTokenizer(files))).toThrow(ClipTokenizerError);
  });
});

describe("special tokens", () => {
  it("pads with the end of the text unless told otherwise", () => {
    const tokenizer = createClipTokenizer(parseClipTokenizer(vocabAndMerges));
    expect(tokenizer).toMatchObject({ bosId: bos, eosId: eos, padId: eos });
    expect(tokenizer.encodePrompt("a", 5).chunks).toEqual([[bos, 5, eos, eos, eos]]);
  });

  it.each([
    ["special_tokens_map.json, a string", { specialTokensMapJson: '{"pad_token": "!"}' }],
    ["special_tokens_map.json, an object", { specialTokensMapJson: '{"pad_token": {"content": "!"}}' }],
    ["tokenizer_config.json", { tokenizerConfigJson: '{"pad_token": "!"}' }],
    [
      "special_tokens_map.json before tokenizer_config.json",
      { specialTokensMapJson: '{"pad_token": "!"}', tokenizerConfigJson: '{"pad_token": "<|endoftext|>"}' },
    ],
  ])("reads Stable Diffusion 2's pad token from %s", (_, files) => {
    const tokenizer = createClipTokenizer(parseClipTokenizer({ ...vocabAndMerges, ...files }));
    expect(tokenizer.padId).toBe(0);
    expect(tokenizer.encodePrompt("a", 5).chunks).toEqual([[bos, 5, eos, 0, 0]]);
  });

  it("takes a pad token in the text for itself: `!!` is two ids then, as transformers.js has it for owlvit", () => {
    expect(encodeWith(vocabAndMerges, "a!!")).toEqual([5, 11]);
    expect(encodeWith({ ...vocabAndMerges, tokenizerConfigJson: '{"pad_token": "!"}' }, "a!!")).toEqual([5, 0, 0]);
  });
});

describe("prompts of any length", () => {
  const tokenizer = createClipTokenizer(parseClipTokenizer(vocabAndMerges));

  it("makes one chunk of an empty prompt", () => {
    expect(tokenizer.encodePrompt("  ", 4)).toEqual({
      chunks: [[bos, eos, eos, eos]],
      tokenCount: 0,
    });
  });

  it("cuts a long prompt into framed chunks and loses nothing", () => {
    const { chunks, tokenCount } = tokenizer.encodePrompt("a b c a b", 4);
    expect(chunks).toEqual([
      [bos, 5, 6, eos],
      [bos, 7, 5, eos],
      [bos, 6, eos, eos],
    ]);
    expect(tokenCount).toBe(5);
  });

  it("opens no new chunk for a prompt that just fits: 75 of 77", () => {
    const words = Array.from({ length: 75 }, () => "a").join(" ");
    expect(tokenizer.encodePrompt(words).chunks).toHaveLength(1);
    expect(tokenizer.encodePrompt(`${words} a`).chunks).toHaveLength(2);
    expect(tokenizer.encodePrompt(`${words} a`).chunks.every((chunk) => chunk.length === 77)).toBe(true);
  });

  it("gives an empty chunk for where the other prompt is longer", () => {
    expect(tokenizer.emptyChunk(4)).toEqual([bos, eos, eos, eos]);
    expect(tokenizer.emptyChunk()).toHaveLength(77);
  });

  it("refuses a context without room", () => {
    expect(() => tokenizer.encodePrompt("a", 2)).toThrow(RangeError);
  });
});

describe("loading a folder", () => {
  let directory: string;
  const signal = new AbortController().signal;
  beforeEach(() => {
    directory = temporaryFolder("clip-tokenizer");
  });

  it("reads either layout", async () => {
    await writeFile(join(directory, "tokenizer.json"), tokenizerJson("pairs"));
    expect((await loadClipTokenizer(directory, { signal })).encode("abc")).toEqual([10]);
    await writeFile(join(directory, "vocab.json"), vocabAndMerges.vocabJson!);
    await writeFile(join(directory, "merges.txt"), vocabAndMerges.mergesTxt!);
    await writeFile(join(directory, "special_tokens_map.json"), '{"pad_token": "!"}');
    expect((await loadClipTokenizer(directory, { signal })).padId).toBe(0);
  });

  it("names the folder and the files that it lacks", async () => {
    await expect(loadClipTokenizer(directory, { signal })).rejects.toThrow(
      /clip-tokenizer-.*vocab\.json and merges\.txt/,
    );
  });

  it("rejects when its signal has aborted", async () => {
    await writeFile(join(directory, "vocab.json"), vocabAndMerges.vocabJson!);
    const aborted = AbortSignal.abort();
    await expect(loadClipTokenizer(directory, { signal: aborted })).rejects.toThrow(/abort/i);
  });
});
