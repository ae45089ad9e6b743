// Many callers at once, and callers who leave.
import { describe, expect, it } from "vitest";
import { banTinyChatEnds, jsonHeaders } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";

const api = useContractServer();

interface HealthModel {
  readonly id: string;
  readonly leases: number;
  readonly waiting: number;
}

async function leasesOf(id: string): Promise<number> {
  const { body } = await api.send<{ models: HealthModel[] }>("/health/ready");
  return body.models.find((model) => model.id === id)?.leases ?? -1;
}

function open(path: string, body: Record<string, unknown>, signal: AbortSignal): Promise<Response> {
  return fetch(`${api.url}${path}`, { method: "POST", headers: jsonHeaders, body: JSON.stringify(body), signal });
}

const endless = { model: "tiny-chat", prompt: "Go on.", max_tokens: 3500, logit_bias: banTinyChatEnds };

describe("concurrent requests", () => {
  it("answers requests that arrive during a first load", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => api.chat({ max_tokens: 2, seed: index })),
    );
    expect(answers).toHaveLength(8);
  });

  it("answers 50 mixed requests, each with its own answer", async () => {
    const jobs = Array.from({ length: 50 }, async (_, index) => {
      switch (index % 5) {
        case 0:
          return (await api.chat({ max_tokens: 10, seed: index })).choices.length === 1;
        case 1:
          return (await api.chatStream({ max_tokens: 10, seed: index })).done;
        case 2: {
          const prompt = `Number ${index}:`;
          const answer = await api.completion({ prompt, echo: true, max_tokens: 6 });
          return answer.choices[0]?.text.startsWith(prompt);
        }
        case 3: {
          const input = [`text ${index}`, "same"];
          return (await api.ok<{ data: unknown[] }>("/v1/embeddings", { input })).data.length === 2;
        }
        default: {
          const error = await api.refused("/v1/chat/completions", { model: "tiny-chat", messages: [] });
          return error.param === "messages";
        }
      }
    });
    expect(new Set(await Promise.all(jobs))).toEqual(new Set([true]));
  });

  it("keeps structured answers apart", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        api.chat({
          max_tokens: 100,
          response_format: {
            type: "json_schema",
            json_schema: {
              name: "own",
              schema: {
                type: "object",
                properties: { [`k${index}`]: { const: index } },
                required: [`k${index}`],
                additionalProperties: false,
              },
            },
          },
        }),
      ),
    );
    expect(answers.map((answer) => JSON.parse(answer.choices[0]?.message.content ?? ""))).toEqual(
      Array.from({ length: 8 }, (_, index) => ({ [`k${index}`]: index })),
    );
  });
});

describe("callers who leave", () => {
  it("free their slots: streaming, waiting for an answer, and queued", async () => {
    const aborts = Array.from({ length: 12 }, () => new AbortController());
    const running = aborts.map(async ({ signal }, index) => {
      const response = await open("/v1/completions", { ...endless, stream: index % 2 === 0 }, signal);
      await response.text();
    });
    const settled = Promise.allSettled(running);
    await expect.poll(() => leasesOf("tiny-chat"), { timeout: 10_000, interval: 10 }).toBe(12);
    for (const abort of aborts) abort.abort();
    await settled;
    await expect.poll(() => leasesOf("tiny-chat"), { timeout: 5_000, interval: 10 }).toBe(0);
    const started = performance.now();
    await api.chat({ max_tokens: 2 });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it("in the middle of a large embedding request free the model too", async () => {
    await api.ok("/v1/embeddings", { input: "warm" });
    const abort = new AbortController();
    const input = Array.from({ length: 2048 }, (_, index) =>
      `${index} some words that make a text of a certain length `.repeat(8),
    );
    const request = open("/v1/embeddings", { input }, abort.signal).catch(() => null);
    await expect.poll(() => leasesOf("tiny-embed"), { timeout: 10_000, interval: 5 }).toBe(1);
    abort.abort();
    await request;
    await expect.poll(() => leasesOf("tiny-embed"), { timeout: 5_000, interval: 10 }).toBe(0);
  });

  it("in the middle of an image free the model too, streaming or not", async () => {
    await api.ok("/v1/images/generations", { model: "tiny-image", prompt: "x", size: "64x64", steps: 1 });
    for (const stream of [false, true]) {
      const abort = new AbortController();
      const picture = { model: "tiny-image", prompt: "x", size: "64x64", steps: 500, n: 4, stream };
      const request = open("/v1/images/generations", picture, abort.signal).catch(() => null);
      await expect.poll(() => leasesOf("tiny-image"), { timeout: 10_000, interval: 5 }).toBe(1);
      abort.abort();
      await request;
      await expect.poll(() => leasesOf("tiny-image"), { timeout: 5_000, interval: 10 }).toBe(0);
    }
  });
});
