// Our rendering against llama-server's for the templates in test/golden/own/templates, which are written for this purpose.
// llama-server removes the BOS that a template prints, because its tokenizer adds one.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createChatTemplate } from "../../src/backends/llama/chat/template/chat-template.ts";
import { ServerError } from "../../src/domain/errors.ts";
import { chatRequest } from "../support/chat-request.ts";
import { goldenFolder, readGolden } from "../support/goldens.ts";

const golden = readGolden("renderings");

const toolsLost = "the template does not show tools or calls; llama-server drops them, we write them into the text";
const otherTurn =
  "llama-server puts the words behind the next turn's header, we end the prompt within the template's own turn";
const notShown = "the template does not show the turn that is to be continued, and we refuse what llama-server appends";

/** Where we differ on purpose: the template and the conversation, and why. */
const differences: Readonly<Record<string, string>> = Object.fromEntries([
  ...["chatml", "folded-system", "loop-edges", "reasoning", "strict-roles", "whitespace"].flatMap((name) => [
    [`${name}.jinja: tools`, toolsLost],
    [`${name}.jinja: results`, toolsLost],
  ]),
  ...["folded-system", "loop-edges", "reasoning", "tagged-calls", "whitespace"].map((name) => [
    `${name}.jinja: continued`,
    otherTurn,
  ]),
  ["filters.jinja: results", toolsLost],
  ["filters.jinja: continued", notShown],
]) as Record<string, string>;

const folder = join(goldenFolder, "templates");
const cases = Object.entries(golden.rendered).flatMap(([file, renderings]) => {
  const template = createChatTemplate({
    source: readFileSync(join(folder, file), "utf8"),
    bosToken: "<s>",
    eosToken: "</s>",
    controlTexts: ["<s>", "</s>"],
  });
  return Object.entries(renderings).map(([name, expected]) => ({
    file,
    name,
    expected,
    reason: differences[`${file}: ${name}`],
    render: (): string => {
      const conversation = golden.conversations[name]!;
      const { add_generation_prompt: addGenerationPrompt = true } = conversation;
      const { text } = template.render(chatRequest(conversation, { addGenerationPrompt }));
      return text.startsWith("<s>") ? text.slice(3) : text;
    },
  }));
});
/** What llama-server refuses and we adapt: OpenAI accepts the conversation. */
const adapted = new Set(["strict-roles.jinja: two of the user"]);
const alike = cases.filter(({ reason }) => reason === undefined);

describe("templates of our own", () => {
  it("have all been rendered by llama-server, and all listed differences are among them", () => {
    expect(Object.keys(golden.rendered)).toEqual(readdirSync(folder).toSorted());
    expect(cases.filter(({ reason }) => reason !== undefined)).toHaveLength(Object.keys(differences).length);
  });

  it.each(alike.filter(({ expected }) => "prompt" in expected))(
    "$file renders $name as llama-server does",
    ({ render, expected }) => {
      expect({ prompt: render() }).toEqual(expected);
    },
  );

  it.each(alike.filter(({ expected, file, name }) => "refused" in expected && !adapted.has(`${file}: ${name}`)))(
    "$file refuses $name as it does in llama-server",
    ({ render }) => {
      expect(render).toThrow(ServerError);
    },
  );

  it.each(cases.filter(({ file, name }) => adapted.has(`${file}: ${name}`)))(
    "$file renders $name, which it refuses in llama-server, in a form that it takes",
    ({ name, render, expected }) => {
      expect(expected).toHaveProperty("refused");
      for (const { content } of golden.conversations[name]!.messages) expect(render()).toContain(content);
    },
  );

  it.each(cases.filter(({ reason }) => reason === toolsLost))(
    "$file renders $name in its own way: $reason",
    ({ file, render, expected }) => {
      const prompt = render();
      expect({ prompt }).not.toEqual(expected);
      // One template shows no more than the first word of a text.
      if (file !== "filters.jinja") expect(prompt).toContain("get_weather");
    },
  );

  it.each(cases.filter(({ reason }) => reason === otherTurn))(
    "$file renders $name in its own way: $reason",
    ({ render, expected }) => {
      expect({ prompt: render() }).not.toEqual(expected);
      expect(render()).toMatch(/One, two,$/);
    },
  );

  it.each(cases.filter(({ reason }) => reason === notShown))("$file refuses $name: $reason", ({ render }) => {
    expect(render).toThrow(/cannot be continued/);
  });
});
