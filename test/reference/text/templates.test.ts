// Conversations as transformers renders them with Python's jinja2, and the ids of what it renders.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import { chatRequest } from "../../support/chat-request.ts";
import { applyTemplate, testContext, textSpec } from "../../support/llama.ts";
import { readReference, referencePath } from "../../support/reference-text.ts";

describe.each(["qwen3", "gemma3", "lfm2"])("conversations with %s against transformers", (family) => {
  const { source, conversations = {}, rendered = {} } = readReference(family);
  let backend: Backend;
  beforeAll(async () => {
    backend = await createLlamaBackend(textSpec(referencePath(family, source.model)), testContext());
  });
  afterAll(() => backend.dispose());

  it.each(Object.entries(rendered))("are the same prompt and the same ids: %s", async (name, { prompt, ids }) => {
    const applied = await applyTemplate(backend, chatRequest(conversations[name]!));
    expect(applied.prompt).toBe(prompt);
    expect(applied.tokens).toEqual(ids);
    expect(applied.adaptations).toEqual([]);
  });
});
