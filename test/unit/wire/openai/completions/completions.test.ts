import { describe, expect, it } from "vitest";
import type { TextEvent } from "../../../../../src/domain/text.ts";
import { toCompletionRequest } from "../../../../../src/wire/openai/completions/to-domain.ts";
import {
  collectCompletion,
  createCompletionChunkMapper,
  type CompletionAnswerContext,
} from "../../../../../src/wire/openai/completions/to-response.ts";
import { parseRequest } from "../../../../../src/wire/contract/parse-request.ts";
import {
  completion,
  completionContract,
  type Completion,
} from "../../../../../src/wire/openai/completions/contract.ts";
import { dataOf } from "../../support/sse-data.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";
import { answerHeader, choiceEnd, finish, partEnd, partStart, replay, token } from "../../support/text-events.ts";

function map(fields: Record<string, unknown>) {
  return toCompletionRequest(parseRequest(completionContract, { model: "m", prompt: "p", ...fields }));
}

function context(request: Partial<CompletionAnswerContext["request"]> = {}): CompletionAnswerContext {
  return { ...answerHeader, id: "cmpl-1", request: { prompts: ["p"], n: 1, topLogprobs: null, ...request } };
}

const echoed: readonly TextEvent[] = [
  { type: "accepted", promptTokens: 2 },
  partStart(0, "text"),
  { type: "text-delta", choice: 0, text: "\u{1F600} ", logprobs: [token("\u{1F600} ", null)] },
  {
    type: "text-delta",
    choice: 0,
    text: "yes",
    logprobs: [
      token("yes", -0.5, [
        ["no", -0.25],
        ["yes", -0.5],
      ]),
    ],
  },
  { type: "text-delta", choice: 0, text: "!", logprobs: [token("!", -1, [["?", -0.1]])] },
  partEnd(0),
  choiceEnd(0, "length"),
  finish,
];

describe("toCompletionRequest", () => {
  it("fills in OpenAI's defaults", () => {
    expect(map({})).toEqual({
      prompts: ["p"],
      echo: false,
      n: 1,
      bestOf: 1,
      topLogprobs: null,
      constraint: { type: "text" },
      sampling: {},
      limits: { maxTokens: 16, stop: [] },
    });
  });

  it.each<[unknown, unknown]>([
    ["a", ["a"]],
    [
      ["a", ""],
      ["a", ""],
    ],
    [[1, 2], [[1, 2]]],
    [
      [[1], [2, 3]],
      [[1], [2, 3]],
    ],
  ])("reads the prompt %j", (prompt, prompts) => {
    expect(map({ prompt }).prompts).toEqual(prompts);
  });

  it("maps every field", () => {
    expect(map({ suffix: "s", echo: true, n: 2, best_of: 3, logprobs: 0, max_tokens: 0, stop: "x" })).toMatchObject({
      suffix: "s",
      echo: true,
      n: 2,
      bestOf: 3,
      topLogprobs: 0,
      limits: { maxTokens: 0, stop: ["x"] },
    });
    expect(map({ n: 2 }).bestOf).toBe(2);
    expect(map({ suffix: "" })).not.toHaveProperty("suffix");
  });
});

describe("the rules of a completion request", () => {
  it.each<[Record<string, unknown>, string]>([
    [{ prompt: undefined }, "prompt"],
    [{ prompt: null }, "prompt"],
    [{ prompt: [] }, "prompt"],
    [{ prompt: [1, -1] }, "prompt[1]"],
    [{ n: 2, best_of: 1 }, "best_of"],
    [{ best_of: 2, stream: true }, "best_of"],
    [{ logprobs: 21 }, "logprobs"],
    [{ max_tokens: -1 }, "max_tokens"],
    [{ stream_options: {} }, "stream_options"],
  ])("%j names %s", (fields, param) => {
    expect(() => map(fields)).toThrow(expect.objectContaining({ param }));
  });
});

describe("collectCompletion", () => {
  it("gives the legacy log-probabilities: null for the first token, offsets in code points, the chosen token among the top", async () => {
    const answer = await collectCompletion(replay(echoed), context({ topLogprobs: 2 }));
    expect(completion().parse(answer)).toEqual(answer);
    expect(answer.choices).toEqual([
      {
        text: "\u{1F600} yes!",
        index: 0,
        logprobs: {
          tokens: ["\u{1F600} ", "yes", "!"],
          token_logprobs: [null, -0.5, -1],
          top_logprobs: [null, { no: -0.25, yes: -0.5 }, { "?": -0.1, "!": -1 }],
          text_offset: [0, 2, 5],
        },
        finish_reason: "length",
      },
    ]);
  });

  it("writes pieces of a code point as bytes, which keeps them apart", async () => {
    const [first, second] = [
      [0xf0, 0x9f],
      [0x98, 0x80],
    ].map((bytes) => ({ id: 1, text: "\uFFFD", bytes, logprob: -1, top: [] }));
    if (first === undefined || second === undefined) throw new Error("unreachable");
    const events: TextEvent[] = [
      { type: "text-delta", choice: 0, text: "\u{1F600}", logprobs: [{ ...first, top: [first, second] }, second] },
      choiceEnd(0, "end-of-turn"),
      finish,
    ];
    const answer = await collectCompletion(replay(events), context({ topLogprobs: 2 }));
    const logprobs = answer.choices[0]?.logprobs;
    expect(logprobs?.tokens).toEqual(["bytes:\\xf0\\x9f", "bytes:\\x98\\x80"]);
    expect(Object.keys(logprobs?.top_logprobs[0] ?? {})).toHaveLength(2);
  });

  it("numbers choices prompt-major", async () => {
    const events: TextEvent[] = [0, 1, 2, 3].flatMap((choice): TextEvent[] => [
      { type: "text-delta", choice, text: `t${choice}` },
      choiceEnd(choice, "end-of-turn"),
    ]);
    const answer = await collectCompletion(replay([...events, finish]), context({ prompts: ["a", "b"], n: 2 }));
    expect(answer.choices.map((choice) => [choice.index, choice.text])).toEqual([
      [0, "t0"],
      [1, "t1"],
      [2, "t2"],
      [3, "t3"],
    ]);
  });

  it.skipIf(!openAiDocument.isMet)(
    `answers what OpenAI's document describes, streamed and not${openAiDocument.note}`,
    async () => {
      // Without the prompt's first token: its null is what OpenAI's API answers, but not what its document says.
      const events = echoed.filter((event) => event.type !== "text-delta" || event.logprobs?.[0]?.logprob !== null);
      expect(
        faultsOf("CreateCompletionResponse", await collectCompletion(replay(events), context({ topLogprobs: 2 }))),
      ).toEqual([]);
    },
  );
});

describe("createCompletionChunkMapper", () => {
  function stream(includeUsage: boolean): Completion[] {
    const toChunkData = createCompletionChunkMapper(context({ topLogprobs: 2 }), {
      includeUsage,
      includeObfuscation: false,
    });
    return dataOf(echoed.flatMap(toChunkData)).map((data) => completion().strict().parse(JSON.parse(data)));
  }

  it("streams the text and log-probabilities that it answers unstreamed", async () => {
    const whole = (await collectCompletion(replay(echoed), context({ topLogprobs: 2 }))).choices[0];
    const choices = stream(false).flatMap((chunk) => chunk.choices);
    expect(choices.map((choice) => choice.text).join("")).toBe(whole?.text);
    expect(choices.flatMap((choice) => choice.logprobs?.text_offset ?? [])).toEqual(whole?.logprobs?.text_offset);
    expect(choices.flatMap((choice) => choice.logprobs?.tokens ?? [])).toEqual(whole?.logprobs?.tokens);
    expect(choices.map((choice) => choice.finish_reason)).toEqual([null, null, null, "length"]);
  });

  it("sends usage last and only when asked", () => {
    expect(stream(false).some((chunk) => "usage" in chunk)).toBe(false);
    const chunks = stream(true);
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 29 } });
  });
});
