// POST /apply-template, text of many scripts, and grammars.
import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { joinChat, jsonHeaders } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";

const api = useContractServer();
const messages = [{ role: "user", content: "Say hello." }];

interface Applied {
  readonly prompt: string;
  readonly tokens: readonly number[];
}

async function apply(body: Record<string, unknown>): Promise<Applied> {
  const answer = await api.send<Applied>("/apply-template", {
    method: "POST",
    headers: jsonHeaders,
    body: JSON.stringify({ model: "tiny-chat", messages, ...body }),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

describe("apply-template", () => {
  it("shows the prompt that a chat would evaluate, with its tokens", async () => {
    const { prompt, tokens } = await apply({});
    expect(prompt).toContain("<|im_start|>user\nSay hello.<|im_end|>");
    expect(prompt.endsWith("<|im_start|>assistant\n")).toBe(true);
    expect((await api.chat({ messages })).usage?.prompt_tokens).toBe(tokens.length);
  });

  it("gives a completion of its tokens the same continuation as the chat", async () => {
    const { tokens } = await apply({});
    const completion = await api.completion({ prompt: tokens, temperature: 0, max_tokens: 8 });
    const answer = await api.chat({ messages, temperature: 0, max_tokens: 8 });
    expect(completion.choices[0]?.text).toBe(answer.choices[0]?.message.content);
  });

  it("shows tools, calls and their results", async () => {
    const { prompt } = await apply({
      tools: [{ type: "function", function: { name: "get_weather", parameters: { type: "object", properties: {} } } }],
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: "Weather?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c1", type: "function", function: { name: "get_weather", arguments: '{"city":"Bonn"}' } }],
        },
        { role: "tool", tool_call_id: "c1", content: "rain" },
      ],
    });
    for (const piece of ["Be brief.", "get_weather", "Bonn", "rain"]) expect(prompt).toContain(piece);
    expect(prompt).not.toContain("developer");
  });

  it("shows a tool's parameters in the order in which they were written, which calls keep to", async () => {
    // Built as text: an object of JavaScript would have "1" and "2" first.
    const properties = '{"b":{"type":"boolean"},"2":{"type":"boolean"},"1":{"type":"boolean"}}';
    const parameters = `{"type":"object","properties":${properties},"required":["1","2","b"],"additionalProperties":false}`;
    const tools = `[{"type":"function","function":{"name":"set","strict":true,"parameters":${parameters}}}]`;
    const body = `{"model":"tiny-chat","messages":${JSON.stringify(messages)},"tools":${tools},"tool_choice":"required","max_tokens":200}`;
    const request = { method: "POST", headers: jsonHeaders, body };
    const applied = await api.send<Applied>("/apply-template", request);
    expect(applied.status, applied.text).toBe(200);
    expect(applied.body.prompt).toMatch(/"b": ?\{"type": ?"boolean"\}, ?"2": ?\{"type": ?"boolean"\}, ?"1": ?\{/);
    const answer = await api.send<OpenAI.ChatCompletion>("/v1/chat/completions", request);
    const [call] = answer.body.choices[0]?.message.tool_calls ?? [];
    const args = call?.type === "function" ? call.function.arguments : "";
    expect(args.match(/"\w+"(?=\s*:)/g)).toEqual(['"b"', '"2"', '"1"']);
  });

  it("shows earlier calls' arguments in the order in which they were written", async () => {
    const { prompt } = await apply({
      tools: [{ type: "function", function: { name: "set", parameters: { type: "object" } } }],
      messages: [
        { role: "user", content: "Set them." },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c1", type: "function", function: { name: "set", arguments: '{"b":1,"2":2.0,"1":3}' } }],
        },
        { role: "tool", tool_call_id: "c1", content: "done" },
      ],
    });
    expect(prompt).toMatch(/"b": ?1, ?"2": ?2\.0, ?"1": ?3/);
  });

  it("refuses documents that the model's template does not show, and what is no document", async () => {
    const body = { model: "tiny-chat", messages };
    for (const path of ["/apply-template", "/v1/chat/completions"]) {
      await api.refused(path, { ...body, documents: [{ title: "A", text: "B" }] }, { param: "documents" });
      await api.refused(path, { ...body, documents: ["B"] }, { param: "documents[0]" });
      await api.refused(path, { ...body, documents: "B" }, { param: "documents" });
    }
    await apply({ documents: [] });
  });

  it("leaves out the assistant's header when asked", async () => {
    const { prompt } = await apply({ add_generation_prompt: false });
    expect(prompt.endsWith("assistant\n")).toBe(false);
  });

  it("names a wrong field as the chat endpoint does", async () => {
    await api.refused("/apply-template", { model: "tiny-chat", messages: [] }, { param: "messages" });
    await api.refused("/apply-template", { model: "nobody", messages }, { status: 404, code: "model_not_found" });
  });
});

describe("text of many scripts", () => {
  const text = "Zürich 👩‍👩‍👧‍👦 漢字 — עִבְרִית العربية ñ 🇨🇭 𝔘";
  const grammar = `root ::= ${JSON.stringify(text)}`;

  it("comes out whole, streamed and not", async () => {
    const request = { grammar, max_tokens: 300 };
    const answer = await api.chat(request);
    expect(answer.choices[0]?.message.content).toBe(text);
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    const stream = await api.chatStream(request);
    expect(joinChat(stream)).toBe(text);
    for (const chunk of stream.chunks) expect(chunk.choices[0]?.delta.content ?? "").not.toContain("\uFFFD");
  });

  it("has logprobs whose bytes join to it, also where a token is half a code point", async () => {
    const answer = await api.chat({ grammar, max_tokens: 300, logprobs: true });
    const bytes = (answer.choices[0]?.logprobs?.content ?? []).flatMap((token) => token.bytes ?? []);
    expect(Buffer.from(bytes).toString()).toBe(text);
    const stream = await api.chatStream({ grammar, max_tokens: 300, logprobs: true });
    const streamed = stream.chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []);
    expect(Buffer.from(streamed.flatMap((token) => token.bytes ?? [])).toString()).toBe(text);
  });

  it("stops at characters outside ASCII too", async () => {
    for (const stop of ["漢", "🇨", "👧", "字 —"]) {
      const answer = await api.chat({ grammar, max_tokens: 300, stop });
      expect(answer.choices[0]?.message.content).toBe(text.slice(0, text.indexOf(stop)));
      expect(joinChat(await api.chatStream({ grammar, max_tokens: 300, stop }))).toBe(
        text.slice(0, text.indexOf(stop)),
      );
    }
  });

  it("cut by max_tokens within a code point shows one replacement character at its end, and nowhere else", async () => {
    for (let max_tokens = 1; max_tokens < 30; max_tokens += 3) {
      const answer = await api.chat({ grammar, max_tokens });
      const content = answer.choices[0]?.message.content ?? "";
      expect(text.startsWith(content.replace(/\uFFFD$/, ""))).toBe(true);
      expect(answer.choices[0]?.finish_reason).toBe("length");
    }
  });

  it("is echoed as it was sent", async () => {
    const answer = await api.completion({ prompt: text, echo: true, max_tokens: 0, logprobs: 1 });
    expect(answer.choices[0]?.text).toBe(text);
  });
});

describe("grammar", () => {
  it("constrains chats and completions", async () => {
    const answer = await api.chat({ grammar: 'root ::= ("yes" | "no") "!"?', max_tokens: 20 });
    expect(answer.choices[0]?.message.content).toMatch(/^(yes|no)!?$/);
    const completion = await api.completion({ grammar: "root ::= [0-9]{3}", max_tokens: 20 });
    expect(completion.choices[0]?.text).toMatch(/^[0-9]{3}$/);
  });

  it.each(["root ::= (", "foo ::= bar", "root ::= undefined_rule", "", "root ::= [a-"])(
    "refuses %j by name",
    async (grammar) => {
      await api.refused("/v1/chat/completions", { model: "tiny-chat", messages, grammar }, { param: "grammar" });
    },
  );

  it("is refused beside a response format", async () => {
    await api.refused(
      "/v1/chat/completions",
      { model: "tiny-chat", messages, grammar: 'root ::= "a"', response_format: { type: "json_object" } },
      { param: "grammar" },
    );
  });
});
