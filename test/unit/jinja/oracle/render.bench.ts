// How long a long conversation takes to become a prompt: npx vitest bench test/unit/jinja
import { existsSync, readFileSync } from "node:fs";
import { bench, describe } from "vitest";
import { parseTemplate } from "../../../../src/jinja/template.ts";
import { sharedPath } from "../../../support/shared.ts";

const path = sharedPath("golden", "jinja-templates.json");
const { templates } = (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { templates: {} }) as {
  templates: Record<string, { template: string; cases: readonly { variables: Record<string, unknown> }[] }>;
};

const messages = [
  { role: "system", content: "You are a helpful assistant." },
  ...Array.from({ length: 49 }, (_, index) => ({
    role: index % 2 === 0 ? "user" : "assistant",
    content: `${"A sentence of some words. ".repeat(12)}${index}`,
  })),
];

describe("50 messages", () => {
  for (const name of ["Qwen-Qwen3-0.6B", "meta-llama-Llama-3.1-8B-Instruct", "openai-gpt-oss-120b"]) {
    const found = templates[name];
    if (found === undefined) continue;
    const { tools } = found.cases.find(({ variables }) => "tools" in variables)?.variables ?? {};
    const template = parseTemplate(found.template);
    bench(name, () => {
      template.render({ trusted: { bos_token: "<s>" }, untrusted: { messages, tools, add_generation_prompt: true } });
    });
    bench(`${name}, parsed`, () => {
      parseTemplate(found.template);
    });
  }
});
