// Grammars that become active in the middle of an answer (guided/gates), with a real vocabulary: the gates are given tokens
// that a model might have generated, and the tests ask what their grammars allow then.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NativeGrammarState } from "../../../src/backends/llama/native/binding.ts";
import { fixedThreads } from "../../../src/backends/llama/native/thread-tuner.ts";
import { Engine } from "../../../src/backends/llama/engine/engine.ts";
import { planSampler } from "../../../src/backends/llama/engine/sampler-config.ts";
import type { GrammarGate } from "../../../src/backends/llama/engine/sequence.ts";
import type { SamplingOptions } from "../../../src/domain/sampling.ts";
import { freePartGrammar, FreePartGate } from "../../../src/backends/llama/guided/gates/free-part-gate.ts";
import { TriggerGate } from "../../../src/backends/llama/guided/gates/trigger-gate.ts";
import { MarkupTokens } from "../../../src/backends/llama/tokens/markup-tokens.ts";
import { createContext, loadWeights, type LoadedWeights } from "../../../src/backends/llama/load/load-model.ts";
import { readGolden } from "../../support/goldens.ts";
import { testContext, textDefaults } from "../../support/llama.ts";
import { gbnfMarkup } from "../../../src/backends/llama/guided/gbnf-text.ts";
import { useMarkupModel } from "../../support/markup-model.ts";
import { storyModel } from "../../support/story-model.ts";

const path = storyModel;
const golden = readGolden("story").greedy[0]!;

describe("grammar gates", () => {
  let weights: LoadedWeights;
  beforeAll(async () => {
    weights = await loadWeights({ path, options: textDefaults }, testContext());
  });
  afterAll(async () => {
    await weights.native.dispose();
  });

  /** Tokens that join to exactly `text`: the longest piece at every place. */
  function tokens(text: string): number[] {
    const { vocabulary } = weights;
    const pieces = Array.from({ length: vocabulary.size }, (_, id) => ({ id, text: vocabulary.piece(id).text ?? "" }))
      .filter((piece) => piece.text !== "" && piece.id > 2)
      .toSorted((first, second) => second.text.length - first.text.length);
    const ids: number[] = [];
    for (let rest = text; rest !== "";) {
      const piece = pieces.find((candidate) => rest.startsWith(candidate.text));
      if (piece === undefined) throw new Error(`No token begins ${JSON.stringify(rest)}.`);
      ids.push(piece.id);
      rest = rest.slice(piece.text.length);
    }
    return ids;
  }

  function accepts(state: NativeGrammarState, text: string): boolean {
    return tokens(text).every((token) => {
      if (!weights.native.grammarAllows(state, token)) return false;
      weights.native.grammarAccept(state, token);
      return true;
    });
  }

  /** The state of what a gate has opened. */
  function stateOf(opening: ReturnType<TriggerGate["next"]>): NativeGrammarState {
    const state = opening?.grammar?.state;
    if (state === undefined) throw new Error("No grammar has become active.");
    return state;
  }

  const parts = (grammar: string) => ({
    native: weights.native,
    vocabulary: weights.vocabulary,
    markup: MarkupTokens.none,
    grammar,
    banned: [],
  });
  const noReasoning = { reasoning: [], startsInReasoning: false };
  const noLimit = { bannedInside: [], budget: undefined, start: undefined };
  const call = 'root ::= "<call>" [0-9]+ "</call>"';

  /** What the engine generates after the golden prompt, greedily. */
  async function generate(gate: GrammarGate | undefined, sampling: SamplingOptions = {}): Promise<string> {
    const context = await createContext(weights, {
      path: "",
      contextSize: 512,
      sequences: 1,
      batchSize: 64,
      threads: 1,
      flashAttention: false,
      kvCacheType: "f16",
    });
    const { vocabulary } = weights;
    const engine = new Engine({
      model: weights.native,
      context,
      parallel: 1,
      contextSize: 256,
      canTrim: true,
      window: Infinity,
      isUniform: true,
      reproducible: false,
      apart: false,
      promptCache: undefined,
      checkpointBytes: 0,
      isEndOfGeneration: (token) => vocabulary.isEndOfGeneration(token),
      vocabularySize: vocabulary.size,
      maxQueue: 1,
      threads: fixedThreads(1),
      guesser: undefined,
      maxParallel: 1,
      canCarry: true,
      log: () => {},
    });
    let text = "";
    await new Promise<void>((resolve, reject) => {
      engine.submit([
        {
          prompt: golden.promptTokens,
          maxNewTokens: 40,
          sampler: planSampler({
            sampling: { ...sampling, temperature: 0 },
            defaults: textDefaults.defaults,
            prompt: golden.promptTokens,
            seed: 0,
            contextSize: 256,
          }),
          ...(gate === undefined ? {} : { gate }),
          scorePrompt: false,
          guesses: 0,
          receiver: {
            isPaused: false,
            onPrompt: () => {},
            onToken: (token) => {
              text += vocabulary.piece(token).text ?? "";
              return false;
            },
            onEnd: () => resolve(),
            onError: reject,
          },
        },
      ]);
    });
    await engine.dispose();
    await context.dispose();
    return text;
  }

  it("lets the engine sample freely up to the trigger, and by the grammar from there", async () => {
    // Without a gate the model goes on as llama-server did: pieces of text, of which a later one triggers.
    const pieces = golden.tokens.map(({ id }) => weights.vocabulary.piece(id).text!);
    const before = (index: number): string => pieces.slice(0, index).join("");
    const place = pieces.findIndex(
      (piece, index) => index > 4 && /^ ?[a-z]{3,}$/.test(piece) && !before(index).includes(piece),
    );
    const word = pieces[place]!;
    const grammar = `root ::= "${word}" " 4" [2] "!"`;
    const free = new TriggerGate(parts(grammar), { triggers: [{ text: word }], ...noReasoning });
    expect(await generate(free)).toBe(`${before(place)}${word} 42!`);
    // The token of a longer piece completes its first letter; the grammar wants a digit after it, so that a token is sampled again.
    const early = pieces.findIndex((piece, index) => /^[a-z]{2,}$/.test(piece) && !before(index).includes(piece[0]!));
    const letter = pieces[early]![0]!;
    const again = new TriggerGate(parts(`root ::= "${letter}" "7"`), { triggers: [{ text: letter }], ...noReasoning });
    expect(await generate(again)).toBe(`${before(early)}${letter}7`);
  });

  it("makes the grammar active when the trigger is complete, with the trigger accepted already", () => {
    const gate = new TriggerGate(parts(call), { triggers: [{ text: "<call>" }], ...noReasoning });
    const opened = tokens("Some text first. <call>").map((token) => gate.next(token));
    expect(opened.slice(0, -1).every((opening) => opening === undefined)).toBe(true);
    const state = stateOf(opened.at(-1));
    expect(opened.at(-1)!.again).toBe(false);
    expect(gate.settled).toBe(true);
    expect(accepts(state, "12</call>")).toBe(true);
    expect(weights.native.grammarAllows(state, tokens("x")[0]!)).toBe(false);
  });

  it("lets the grammar begin in the middle of a token", () => {
    // " the" is one token; the trigger begins at its third character.
    const [the] = tokens(" the");
    expect(weights.vocabulary.piece(the!).text).toBe(" the");
    const gate = new TriggerGate(parts('root ::= "he" "!"'), { triggers: [{ text: "he" }], ...noReasoning });
    const opening = gate.next(the!);
    expect(opening?.again).toBe(false);
    expect(accepts(stateOf(opening), "!")).toBe(true);
  });

  it("has a token sampled again that completes the trigger and goes on against the grammar", () => {
    const [the] = tokens(" the");
    const gate = new TriggerGate(parts('root ::= "t" [0-9]'), { triggers: [{ text: "t" }], ...noReasoning });
    const opening = gate.next(the!);
    expect(opening?.again).toBe(true);
    expect(weights.native.grammarAllows(stateOf(opening), the!)).toBe(false);
    expect(accepts(stateOf(opening), " t7")).toBe(true);
  });

  it("ignores a trigger inside reasoning", () => {
    const reasoning = [{ open: "<think>", close: "</think>" }];
    const gate = new TriggerGate(parts(call), { triggers: [{ text: "<call>" }], reasoning, startsInReasoning: true });
    for (const token of tokens("I could <call>1</call> here")) expect(gate.next(token)).toBeUndefined();
    const opened = tokens("</think> <call>").map((token) => gate.next(token));
    expect(opened.at(-1)).toMatchObject({ again: false });
  });

  it("ignores a trigger that counts only at the start anywhere else", () => {
    const options = { triggers: [{ text: "{", atStart: true }], ...noReasoning };
    const late = new TriggerGate(parts('root ::= "{}"'), options);
    expect(tokens("a {").map((token) => late.next(token))).not.toContainEqual(expect.anything());
    const early = new TriggerGate(parts('root ::= "{}"'), options);
    expect(
      tokens(" {")
        .map((token) => early.next(token))
        .at(-1),
    ).toMatchObject({ again: false });
  });

  it("makes the grammar active behind reasoning that the prompt opened, white space aside", () => {
    const free = { ways: [{ open: "", ends: ["</think>"], closing: "</think>" }], between: "" };
    expect(freePartGrammar('root ::= "yes"', { free, markup: MarkupTokens.none })).toBeUndefined();
    const gate = new FreePartGate(parts('root ::= "yes"'), { ...noLimit, free });
    const opened = tokens("free thoughts: no, yes. </think>").map((token) => gate.next(token));
    const state = stateOf(opened.at(-1));
    expect(opened.filter(Boolean)).toHaveLength(1);
    expect(accepts(state, "\n\nyes")).toBe(true);
  });

  it("allows the constrained answer with or without reasoning before it, and no other text", () => {
    const free = { ways: [{ open: "<think>", ends: ["</think>"], closing: "</think>" }], between: "" };
    const { grammar, rootRule } = freePartGrammar('root ::= "yes"', { free, markup: MarkupTokens.none })!;
    const start = () => weights.native.createGrammarState(grammar, rootRule);
    expect(accepts(start(), "yes")).toBe(true);
    expect(accepts(start(), "\n<think>anything at all")).toBe(true);
    expect(accepts(start(), "no")).toBe(false);

    const direct = new FreePartGate(parts('root ::= "yes"'), { ...noLimit, free });
    expect(tokens("yes").map((token) => direct.next(token))).not.toContainEqual(expect.anything());
    expect(direct.settled).toBe(true);

    const thinking = new FreePartGate(parts('root ::= "yes"'), { ...noLimit, free });
    const opened = tokens("<think>maybe</think>").map((token) => thinking.next(token));
    expect(accepts(stateOf(opened.at(-1)), "yes")).toBe(true);
  });

  it.each([
    ["repeat", { repeatPenalty: 1.5 }],
    ["frequency", { frequencyPenalty: 1.5 }],
    ["both", { repeatPenalty: 1.3, presencePenalty: 1 }],
  ])("keeps what penalties have counted when a gate opens in mid-answer: %s", async (_, sampling) => {
    let asked = 0;
    const openLate: GrammarGate = {
      settled: false,
      next: () => {
        asked += 1;
        return asked === 12 ? { grammar: { banned: [] }, again: false } : undefined;
      },
    };
    const alone = await generate(undefined, sampling);
    expect(await generate(openLate, sampling)).toBe(alone);
    expect(alone).not.toBe(await generate(undefined));
  });

  it("samples the one token that a gate forces, and the model's own behind it", async () => {
    const [the] = tokens(" the");
    let asked = 0;
    const force: GrammarGate = {
      settled: false,
      next: () => {
        asked += 1;
        if (asked === 3) return { grammar: { banned: [the!], forced: the! }, again: false };
        return asked === 4 ? { grammar: undefined, again: false } : undefined;
      },
    };
    const pieces = golden.tokens.slice(0, 3).map(({ id }) => weights.vocabulary.piece(id).text!);
    const text = await generate(force);
    expect(text.startsWith(`${pieces.join("")} the`)).toBe(true);
    expect(text).not.toContain(" the the the");
  });

  it("goes on asking when what followed a trigger was no call", () => {
    const triggers = [{ text: "zqz" }, { text: "xyz" }];
    const gate = new TriggerGate(parts('root ::= "xyz" "7"'), { triggers, ...noReasoning });
    expect(tokens("zqz. zqz.").map((token) => gate.next(token))).not.toContainEqual(expect.anything());
    expect(gate.settled).toBe(false);
    const opened = tokens("xyz").map((token) => gate.next(token));
    expect(gate.settled).toBe(true);
    expect(accepts(stateOf(opened.at(-1)), "7")).toBe(true);
  });

  it("reads text that the prompt holds before the trigger, though the tokenizer puts a space first", () => {
    const options = { triggers: [{ text: "go ", atStart: true, assumed: "xyz" }], ...noReasoning };
    const gate = new TriggerGate(parts('root ::= "xyz" "go " [0-9]'), options);
    const opened = tokens("go ").map((token) => gate.next(token));
    expect(accepts(stateOf(opened.at(-1)), "7")).toBe(true);
  });
});

describe("grammar gates over a vocabulary that has markup as tokens", () => {
  const model = useMarkupModel();
  const ways = [{ open: "<think>", ends: ["</think>"], closing: "</think>" }];
  let weights: LoadedWeights;
  beforeAll(async () => {
    weights = await loadWeights({ path: model.path, options: textDefaults }, testContext());
  });
  afterAll(async () => {
    await weights.native.dispose();
  });

  const markup = (): MarkupTokens =>
    new MarkupTokens(
      ["<think>", "</think>", "<tool_call>"].map((text) => ({ id: model.tokenOf(text), text, endsAnswer: false })),
    );
  const parts = (grammar: string) => ({
    native: weights.native,
    vocabulary: weights.vocabulary,
    markup: markup(),
    grammar,
    banned: [],
  });
  /** The text byte by byte, as a model spells what it has a token for. */
  const spell = (text: string): number[] => [...Buffer.from(text)].map((byte) => weights.vocabulary.byteToken(byte)!);

  it("end reasoning by its token, not by the same characters", () => {
    const gate = new FreePartGate(parts('root ::= "yes"'), {
      free: { ways: [{ ...ways[0]!, open: "" }], between: "" },
      bannedInside: [],
      budget: undefined,
      start: undefined,
    });
    for (const token of spell("so </think> is how it ends")) expect(gate.next(token)).toBeUndefined();
    expect(gate.next(model.tokenOf("</think>"))).toMatchObject({ again: false });
    expect(gate.settled).toBe(true);
  });

  it("begin reasoning by its token, and take the same characters for the answer", () => {
    const { grammar, rootRule } = freePartGrammar('root ::= "<think" [a-z]', {
      free: { ways, between: "" },
      markup: markup(),
    })!;
    const state = weights.native.createGrammarState(grammar, rootRule);
    expect(weights.native.grammarAllows(state, model.tokenOf("<think>"))).toBe(true);
    for (const token of spell("<think")) weights.native.grammarAccept(state, token);
    expect(weights.native.grammarAllows(state, spell(">")[0]!)).toBe(false);
    expect(weights.native.grammarAllows(state, spell("s")[0]!)).toBe(true);
  });

  it("begin a call by its token, not by the same characters", () => {
    const grammar = `root ::= ${gbnfMarkup("<tool_call>{", markup())} [0-9]`;
    const triggers = [{ text: "<tool_call>" }];
    const gate = new TriggerGate(parts(grammar), { triggers, reasoning: [], startsInReasoning: false });
    for (const token of spell("write <tool_call>{1 for it: ")) expect(gate.next(token)).toBeUndefined();
    const opening = gate.next(model.tokenOf("<tool_call>"));
    expect(opening?.again).toBe(false);
    expect(weights.native.grammarAllows(opening!.grammar!.state!, spell("{")[0]!)).toBe(true);
  });
});
