// A runner that dies, a caller that leaves, and a model that cannot be loaded: only the requests concerned fail.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface HealthModel {
  id: string;
  status: string;
  leases: number;
  process_id?: number;
}

/** Bans the bundled model's end tokens (`<|endoftext|>`, `<|im_end|>`), so that it goes on until it is stopped. */
const endless = { "1528": -100, "1530": -100 };

let server: TestServer;

beforeAll(async () => {
  const broken = join(temporaryFolder("faults"), "broken.gguf");
  await writeFile(broken, Buffer.concat([Buffer.from("GGUF"), Buffer.alloc(64, 0xff)]));
  server = await startTestServer({ flags: { model: [`broken=${broken}`] } });
});
afterAll(() => server.close());

async function modelHealth(id: string): Promise<HealthModel> {
  const report = (await (await fetch(`${server.url}/health/ready`)).json()) as { models: HealthModel[] };
  return report.models.find((model) => model.id === id) as HealthModel;
}

/** Asks until the answer is the expected one. */
function expectSoon(ask: () => Promise<unknown>): ReturnType<typeof expect.poll> {
  return expect.poll(ask, { timeout: 20_000, interval: 5 });
}

function complete(body: Record<string, unknown>, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.baseURL}/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "tiny-chat", prompt: "Once", logit_bias: endless, ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

describe("faults", () => {
  it("answers a clean error when the runner is killed in mid-request, and loads the model again for the next", async () => {
    const stream = await complete({ max_tokens: 3_000, stream: true });
    const reader = stream.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    await reader.read();
    const plain = complete({ max_tokens: 3_000 });
    await expectSoon(async () => (await modelHealth("tiny-chat")).leases).toBe(2);
    process.kill((await modelHealth("tiny-chat")).process_id as number, "SIGKILL");

    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    const last = text.trim().split("\n\n").at(-1) as string;
    expect(JSON.parse(last.slice("data: ".length))).toMatchObject({
      error: { type: "server_error", code: "model_crashed" },
    });
    expect(text).not.toContain("[DONE]");
    const answer = await plain;
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { code: "model_crashed" } });

    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    const next = await complete({ max_tokens: 2 });
    expect(next.status).toBe(200);
  });

  it("gives the lease back when the caller leaves in mid-stream", async () => {
    const abort = new AbortController();
    const stream = await complete({ max_tokens: 3_000, stream: true }, abort.signal);
    await stream.body?.getReader().read();
    expect((await modelHealth("tiny-chat")).leases).toBe(1);
    abort.abort();
    await expectSoon(async () => (await modelHealth("tiny-chat")).leases).toBe(0);
  });

  it("gives the lease back when the caller leaves before the answer", async () => {
    const abort = new AbortController();
    const answer = complete({ max_tokens: 3_000 }, abort.signal).catch((error: unknown) => error);
    await expectSoon(async () => (await modelHealth("tiny-chat")).leases).toBe(1);
    abort.abort();
    await answer;
    await expectSoon(async () => (await modelHealth("tiny-chat")).leases).toBe(0);
  });

  it("says why a model cannot be loaded, every time it is asked", async () => {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const answer = await complete({ model: "broken" });
      expect(answer.status).toBe(503);
      const { error } = (await answer.json()) as { error: { code: string; message: string } };
      expect(error.code).toBe("model_load_failed");
      expect(error.message).toContain("broken");
    }
    expect((await modelHealth("broken")).status).toBe("absent");
  });
});
