// Every request ends, whatever text is held back, however slowly its events are read, and whichever callers leave. A sequence waits
// for nothing but a reader who has events to read. Text that is held back (a half-matched stop string, white space before an answer, the
// argument of a call) makes no event, so no sequence may wait because of it.
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { ChatRequest, ToolDefinition } from "../../../src/domain/chat.ts";
import type { CompletionRequest } from "../../../src/domain/completion.ts";
import type { TextEvent } from "../../../src/domain/text.ts";
import type { RunnerBackend } from "../../../src/runners/runner-backend.ts";
import { chatRequest, completionRequest, testContext, textSpec } from "../../support/llama.ts";
import { runBackend } from "../../support/run-backend.ts";
import { connectRunner } from "../../support/runner-line.ts";
import { expectWholeOperation } from "../../support/text-event-order.ts";

const path = fileURLToPath(new URL("../../../models/tiny-chat/tiny-chat.gguf", import.meta.url));
/** Mixes of requests per property; continuous integration sets more. */
const runs = Number(process.env["PROPERTY_RUNS"] ?? 10);

type Case =
  | { readonly operation: "completion"; readonly choices: number; readonly request: CompletionRequest }
  | { readonly operation: "chat"; readonly choices: number; readonly request: ChatRequest };

const letters = { type: "grammar", grammar: "root ::= [ab]{1500}" } as const;
const blanks = { type: "grammar", grammar: "root ::= [ ]{1500}" } as const;
/** Forbids every letter that a half-matched stop string would not hold back. */
const onlyA = { type: "grammar", grammar: "root ::= [a]{1500}" } as const;

function completion(request: Partial<CompletionRequest>): Case {
  const whole = completionRequest({ prompts: ["Tell me"], ...request });
  return { operation: "completion", choices: whole.n * whole.prompts.length, request: whole };
}

function chat(request: Partial<ChatRequest>): Case {
  const whole = chatRequest(request);
  return { operation: "chat", choices: whole.n, request: whole };
}

const note: ToolDefinition = {
  name: "note",
  parameters: {
    type: "object",
    properties: { text: { type: "string", minLength: 300, maxLength: 320 } },
    required: ["text"],
    additionalProperties: false,
  },
  strict: true,
};

/** The four requests that once waited for ever. */
const onceForEver: readonly Case[] = [
  completion({ n: 1, bestOf: 20, limits: { maxTokens: 16, stop: [] }, sampling: { temperature: 1, seed: 1 } }),
  chat({ constraint: blanks, limits: { maxTokens: 600, stop: [" ".repeat(50_000)] } }),
  completion({ constraint: onlyA, limits: { maxTokens: 600, stop: ["a".repeat(50_000)] } }),
  chat({ tools: [note], toolChoice: { type: "required" }, limits: { maxTokens: 480, stop: [] } }),
];

const cases: fc.Arbitrary<Case> = fc.oneof(
  fc.constantFrom(...onceForEver),
  fc
    .record({ n: fc.integer({ min: 1, max: 20 }), more: fc.nat({ max: 19 }), maxTokens: fc.nat({ max: 24 }) })
    .map(({ n, more, maxTokens }) =>
      completion({
        n,
        bestOf: Math.min(20, n + more),
        topLogprobs: more % 3 === 0 ? 2 : null,
        echo: more % 4 === 0 || maxTokens === 0,
        limits: { maxTokens, stop: [] },
        sampling: { temperature: 1, seed: more },
      }),
    ),
  fc
    .record({
      n: fc.integer({ min: 1, max: 20 }),
      maxTokens: fc.integer({ min: 1, max: 120 }),
      held: fc.nat({ max: 200 }),
    })
    .map(({ n, maxTokens, held }) =>
      chat({
        n,
        constraint: letters,
        limits: { maxTokens, stop: ["a".repeat(1 + held)] },
        sampling: { temperature: 1 },
      }),
    ),
);

/** How a caller reads: the turns of the event loop between two events, and when it leaves. */
interface Reader {
  readonly turns: number;
  readonly leaves: { readonly how: "abort" | "return"; readonly after: number } | undefined;
}

const readers: fc.Arbitrary<Reader> = fc.record({
  turns: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 })),
  leaves: fc.option(
    fc.record({ how: fc.constantFrom("abort" as const, "return" as const), after: fc.integer({ min: 0, max: 60 }) }),
    { nil: undefined, freq: 3 },
  ),
});

async function drive(backend: Backend, { operation, choices, request }: Case, reader: Reader): Promise<void> {
  const caller = new AbortController();
  const events: TextEvent[] = [];
  const iterator =
    operation === "completion"
      ? runBackend(backend, operation, request, { signal: caller.signal })
      : runBackend(backend, operation, request, { signal: caller.signal });
  try {
    for await (const event of iterator) {
      events.push(event);
      if (reader.leaves !== undefined && events.length > reader.leaves.after) {
        if (reader.leaves.how === "return") return;
        caller.abort(new Error("gone"));
      }
      for (let turn = 0; turn < reader.turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    if (caller.signal.aborted && error === caller.signal.reason) return;
    throw error;
  }
  expectWholeOperation(events, choices);
}

describe.each(["hermes", "qwen3-coder", "llama4"])(
  "a model of the family %s, behind a runner's connection",
  (family) => {
    let backend: Backend;
    let line: RunnerBackend;
    beforeAll(async () => {
      backend = await createLlamaBackend(
        textSpec(path, { parallel: 4, contextSize: 1024, maxQueue: 64, family }),
        testContext(),
      );
      ({ line } = await connectRunner(backend));
    });
    afterAll(async () => {
      await backend.dispose();
    });

    it.each(onceForEver.map((request, index) => ({ index, request })))(
      "ends request $index, which once waited for ever",
      async ({ request }) => {
        await expect(drive(line, request, { turns: 0, leaves: undefined })).resolves.toBeUndefined();
      },
    );

    it("ends every request of any mix, read at any pace, left at any moment", { timeout: runs * 20_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(cases, readers), { minLength: 1, maxLength: 6 }), async (mix) => {
          await Promise.all(mix.map(([request, reader]) => drive(line, request, reader)));
          // Callers who left have left nothing behind: the slots are free, and the connection has no open call.
          await drive(line, completion({ limits: { maxTokens: 2, stop: [] } }), { turns: 0, leaves: undefined });
          await new Promise((resolve) => setImmediate(resolve));
          expect(line.busyCalls).toBe(0);
        }),
        { numRuns: runs },
      );
    });
  },
);
