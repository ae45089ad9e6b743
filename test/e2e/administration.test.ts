// Administration over HTTP: models are loaded, watched and unloaded while requests run.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../support/server.ts";

interface State {
  readonly id: string;
  readonly status: string;
  readonly leases: number;
  readonly process_id?: number;
}

/** Bans the bundled model's end tokens, so that it goes on until it is stopped. */
const endless = { "1528": -100, "1530": -100 };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function act(path: string, method = "POST"): Promise<{ status: number; body: State }> {
  const response = await fetch(`${server.url}${path}`, { method });
  return { status: response.status, body: (await response.json()) as State };
}

/** Reads the events of the server until one of that type has come for the model. */
async function* watch(signal: AbortSignal): AsyncGenerator<{ type: string; model?: string; reason?: string }> {
  const response = await fetch(`${server.url}/admin/events`, { signal });
  let rest = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() as string;
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data: "));
      if (data !== undefined) yield JSON.parse(data.slice(6)) as { type: string };
    }
  }
}

describe("administration", () => {
  it("loads a model, tells every change, and unloads it", async () => {
    const over = new AbortController();
    const events = watch(over.signal);
    const seen: string[] = [];
    expect((await events.next()).value).toMatchObject({ type: "states" });
    expect(await act("/admin/models/tiny-embed/load")).toMatchObject({
      status: 200,
      body: { id: "tiny-embed", status: "ready", process_id: expect.any(Number) },
    });
    expect(await act("/admin/models/tiny-embed/unload")).toMatchObject({ status: 200, body: { status: "absent" } });
    for await (const { type, model, reason } of events) {
      if (type === "use_changed" || type === "memory_changed") continue;
      seen.push(reason === undefined ? `${model} ${type}` : `${model} ${type}: ${reason}`);
      if (type === "unloaded") break;
    }
    over.abort();
    expect(seen).toEqual([
      "tiny-embed load_begun",
      "tiny-embed ready",
      "tiny-embed unload_begun: requested",
      "tiny-embed unloaded: requested",
    ]);
  });

  it("unloads by any name of the model once its request has ended, which is answered in full", async () => {
    const answering = fetch(`${server.baseURL}/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "tiny-chat", prompt: "Once", max_tokens: 100, logit_bias: endless }),
    });
    await expect
      .poll(async () => (await states()).find(({ id }) => id === "tiny-chat")?.leases, { timeout: 20_000, interval: 5 })
      .toBe(1);
    const unloaded = act("/admin/models/gpt-4o-mini/unload");
    const answer = (await (await answering).json()) as { usage: { completion_tokens: number } };
    expect(answer.usage.completion_tokens).toBe(100);
    expect((await unloaded).body).toMatchObject({ id: "tiny-chat", status: "absent" });
  });

  it("answers 404 for a model that there is not, and 405 for another method", async () => {
    expect(await act("/admin/models/nobody/load")).toMatchObject({ status: 404 });
    expect((await act("/admin/models/nobody/unload", "GET")).status).toBe(405);
  });

  it("does not keep a server from closing", async () => {
    const other = await startTestServer();
    const response = await fetch(`${other.url}/admin/events`);
    const reader = response.body!.getReader();
    await reader.read();
    await other.close();
    expect((await reader.read()).done).toBe(true);
  });
});

async function states(): Promise<readonly State[]> {
  const { models } = (await (await fetch(`${server.url}/admin/models`)).json()) as { models: readonly State[] };
  return models;
}
