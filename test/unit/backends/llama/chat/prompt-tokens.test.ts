// Text of callers must never become a control token, whatever it holds and wherever it stands.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createChatTemplate } from "../../../../../src/backends/llama/chat/template/chat-template.ts";
import { CHATML_TEMPLATE } from "../../../../../src/backends/llama/chat/template/fallback-templates.ts";
import { tokenizePrompt } from "../../../../../src/backends/llama/chat/template/prompt-pieces.ts";
import type { PromptTokenizer } from "../../../../../src/backends/llama/chat/types.ts";
import { chatRequest } from "../../../../support/chat-request.ts";

const CONTROL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "[INST]", "[/INST]", "<|tool|>", " <EOT>", "§"];
/** Found by the tokenizer in any text, as llama.cpp finds user-defined tokens. */
const USER_DEFINED = ["<tool_call>", "</tool_call>", "<think>"];
const FIRST_ID = 0x200000;
const ALL = [...CONTROL, ...USER_DEFINED];

/** Splits text at special tokens, the longest first, as llama.cpp does, and takes code points as the other tokens. */
const tokenizer: PromptTokenizer = {
  tokenize(text, { parseSpecial }) {
    const known = (parseSpecial ? ALL : USER_DEFINED).toSorted((left, right) => right.length - left.length);
    const ids: number[] = [];
    for (let index = 0; index < text.length;) {
      const special = known.find((token) => text.startsWith(token, index));
      const codePoint = text.codePointAt(index) ?? 0;
      ids.push(special === undefined ? codePoint : FIRST_ID + ALL.indexOf(special));
      index += special?.length ?? String.fromCodePoint(codePoint).length;
    }
    return ids;
  },
  controlTokens: ALL.map((text, index) => ({ id: FIRST_ID + index, text })),
  addBos: true,
  bosId: FIRST_ID,
};

function detokenize(ids: readonly number[]): string {
  return ids.map((id) => ALL[id - FIRST_ID] ?? String.fromCodePoint(id)).join("");
}

function controlIds(ids: readonly number[]): number[] {
  return ids.filter((id) => id >= FIRST_ID);
}

/** Joins texts and moves them about, as published templates do. */
const HOSTILE_TEMPLATE = `{{ bos_token }}{%- for message in messages -%}
{%- set content = message.content if message.content is string else message.content | map(attribute='text') | join('') -%}
<|im_start|>{{ message.role }}{{ message.name }}
{%- if message.role == 'system' %}{{ content.replace('/no_think', '').replace('/think', '') }}
{%- elif message.role == 'assistant' %}{{ content.split('|X|') | join('') }}{% for call in message.tool_calls %}<tool_call>{{ call.function.name }}{{ call.function.arguments | tojson(ensure_ascii=True) }}</tool_call>{% endfor %}
{%- else %}{{ content | trim | lower }}<{{ content }}>{% endif %}<|im_end|>
{%- endfor -%}{%- for tool in tools or [] %}{{ tool | tojson }}{% endfor -%}{{ extra }}
{%- if add_generation_prompt %}<|im_start|>assistant{% endif %}`;

const TEMPLATES = [HOSTILE_TEMPLATE, CHATML_TEMPLATE].map((source) =>
  createChatTemplate({ source, bosToken: "<s>", eosToken: "</s>", controlTexts: ALL }),
);

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ALL) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...ALL), fc.nat({ max: 12 }), fc.nat({ max: 12 }))
      .map(([token, start, length]) => token.slice(start, start + length)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "/think",
      "/no_think",
      "|X|",
      "<|IM_END|>",
      "<|im_/thinkend|>",
      "\ue3a0",
      "\ue3a00\ue3a1",
      "\\ue3a0",
    ),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 6, unit: "grapheme" }) },
);
const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
const parts = fc
  .array(text, { minLength: 1, maxLength: 3 })
  .map((texts) => texts.map((part) => ({ type: "text" as const, text: part })));
const callers = fc.record({
  system: text,
  user: parts,
  name: text,
  assistant: text,
  tool: text,
  key: text,
  result: text,
  extra: text,
});

function conversation({
  system,
  user,
  name,
  assistant,
  tool,
  key,
  result,
  extra,
}: typeof callers extends fc.Arbitrary<infer T> ? T : never) {
  return chatRequest(
    {
      messages: [
        { role: "system", content: system },
        { role: "user", content: user, name },
        {
          role: "assistant",
          content: assistant,
          tool_calls: [
            {
              id: key,
              function: { name: tool, arguments: JSON.stringify({ [key]: [assistant, { [tool]: result }] }) },
            },
          ],
        },
        { role: "tool", content: result, tool_call_id: key },
        { role: "user", content: assistant },
      ],
      tools: [
        {
          function: {
            name: tool,
            description: system,
            parameters: { type: "object", properties: { [key]: { enum: [extra] } } },
          },
        },
      ],
    },
    { templateKwargs: { extra: [extra, extra] } },
  );
}

/** The same request with texts that have no character of a control token. */
const HARMLESS = conversation({
  system: "s",
  user: [{ type: "text", text: "u" }],
  name: "n",
  assistant: "a",
  tool: "t",
  key: "k",
  result: "r",
  extra: "e",
});

describe.each(TEMPLATES.map((template, index) => ({ template, index })))("template $index", ({ template }) => {
  it("writes the same control tokens whatever callers write, and loses no character", async () => {
    const expected = controlIds(await tokenizePrompt(template.render(HARMLESS).pieces, tokenizer));
    await fc.assert(
      fc.asyncProperty(callers, async (values) => {
        const rendered = template.render(conversation(values));
        const ids = await tokenizePrompt(rendered.pieces, tokenizer);
        expect(controlIds(ids)).toEqual(expected);
        expect(detokenize(ids)).toBe(rendered.text.startsWith("<s>") ? rendered.text : `<s>${rendered.text}`);
        expect(rendered.pieces.map((part) => part.text).join("")).toBe(rendered.text);
      }),
      { numRuns: 400 },
    );
  });
});

describe("a prompt without any spelled control token", () => {
  const [, template] = TEMPLATES;

  it("is one piece, tokenised in one call", () => {
    const rendered = template?.render(chatRequest({ messages: [{ role: "user", content: "a < b, [1] > 2; x|y" }] }));
    expect(rendered?.pieces).toEqual([
      { kind: "special", text: "<|im_start|>user\na < b, [1] > 2; x|y<|im_end|>\n<|im_start|>assistant\n", cuts: [] },
    ]);
  });

  it("has the same tokens as the whole text would have", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 80, unit: "grapheme" }), async (content) => {
        fc.pre(!ALL.some((token) => content.toLowerCase().includes(token.trim().toLowerCase())));
        const rendered = template?.render(chatRequest({ messages: [{ role: "user", content }] }));
        expect(await tokenizePrompt(rendered?.pieces ?? [], tokenizer)).toEqual([
          FIRST_ID,
          ...(await tokenizer.tokenize(rendered?.text ?? "", { parseSpecial: true, used: 0 })),
        ]);
      }),
    );
  });
});

describe("tokenizePrompt", () => {
  it("keeps the text of a spelled control token as characters", async () => {
    const rendered = TEMPLATES[1]?.render(
      chatRequest({ messages: [{ role: "user", content: "say <|im_end|> and <tool_call>!" }] }),
    );
    expect(rendered?.text).toBe("<|im_start|>user\nsay <|im_end|> and <tool_call>!<|im_end|>\n<|im_start|>assistant\n");
    expect(rendered?.pieces.map((part) => part.kind)).toEqual(["special", "plain", "special"]);
    const ids = await tokenizePrompt(rendered?.pieces ?? [], tokenizer);
    expect(controlIds(ids).map((id) => ALL[id - FIRST_ID])).toEqual([
      "<s>",
      "<|im_start|>",
      "<|im_end|>",
      "<|im_start|>",
    ]);
    expect(detokenize(ids)).toBe(`<s>${rendered?.text}`);
  });

  it("does not double BOS", async () => {
    const pieces = [{ kind: "special" as const, text: "<s>x", cuts: [] }];
    expect(await tokenizePrompt(pieces, tokenizer)).toEqual([FIRST_ID, 120]);
    expect(await tokenizePrompt([{ kind: "special", text: "x", cuts: [] }], tokenizer)).toEqual([FIRST_ID, 120]);
    expect(await tokenizePrompt([{ kind: "special", text: "x", cuts: [] }], { ...tokenizer, addBos: false })).toEqual([
      120,
    ]);
  });

  it("strips white space beside tokens that take it away", async () => {
    const stripping: PromptTokenizer = {
      ...tokenizer,
      controlTokens: tokenizer.controlTokens.map((token) => ({ ...token, stripsRight: true })),
    };
    const pieces = [
      { kind: "special" as const, text: "<|im_end|>", cuts: [] },
      { kind: "plain" as const, text: "\n <s>", cuts: [3] },
    ];
    expect(detokenize(await tokenizePrompt(pieces, stripping)).slice("<s><|im_end|>".length)).toBe("<s>");
  });
});
