// llama.cpp on a GPU, played by Mesa's llvmpipe and by SwiftShader, in whole servers: the CPU's answers, the health report, a process
// that dies on its GPU in the middle of a request, and a GPU that llama.cpp cannot use.
import { afterAll, describe, expect, it } from "vitest";
import { llvmpipe, swiftShader, useGpu, type SoftwareGpu } from "../support/gpu.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

interface HealthModel {
  id: string;
  device?: string;
  device_note?: string;
  devices?: { part: string; device: string; adapter?: string; note?: string }[];
  leases: number;
  process_id?: number;
}

interface Completion {
  choices: { text: string; logprobs: { token_logprobs: number[] } }[];
}

/** Bans the bundled model's end tokens, so that it goes on until it is stopped. */
const endless = { "1528": -100, "1530": -100 };
const body = { model: "tiny-chat", prompt: "Once", temperature: 0, max_tokens: 8, logprobs: 0, logit_bias: endless };

const story =
  "Once upon a time there was a red house by the sea, and nobody knew who had built it or why it stood there.";

const servers: TestServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
});

async function start(gpu: "any" | "off", device?: SoftwareGpu): Promise<TestServer> {
  if (device !== undefined) useGpu(device);
  const server = await startTestServer({ flags: { gpu: [gpu] } });
  servers.push(server);
  return server;
}

async function complete({ baseURL }: TestServer, more: Record<string, unknown> = {}): Promise<Completion> {
  const answer = await fetch(`${baseURL}/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, ...more }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Completion;
}

async function health({ url }: TestServer): Promise<HealthModel> {
  const report = (await (await fetch(`${url}/health/ready`)).json()) as { models: HealthModel[] };
  return report.models.find(({ id }) => id === "tiny-chat") as HealthModel;
}

// Mesa and SwiftShader compile llama.cpp's shaders for half a minute where no cache has them.
describe("a text model on a GPU", { timeout: 300_000 }, () => {
  const needs = llvmpipe;
  it.skipIf(!needs.isMet)(
    `gives the CPU's answers on llvmpipe, and goes on on the CPU when it dies${needs.note}`,
    async () => {
      const onCpu = await start("off");
      const onGpu = await start("any", llvmpipe);
      const scored = { prompt: story, echo: true, max_tokens: 1 };
      const expected = (await complete(onCpu, scored)).choices[0]!.logprobs.token_logprobs.slice(1);
      const logprobs = (await complete(onGpu, scored)).choices[0]!.logprobs.token_logprobs.slice(1);
      expect(await health(onGpu)).toMatchObject({
        device: "vulkan",
        devices: [{ part: "tiny-chat.gguf", device: "vulkan", adapter: expect.stringContaining("llvmpipe") }],
      });
      expect(logprobs.length).toBeGreaterThan(20);
      // Of the prompt's tokens, which do not depend on what either device thinks likeliest. Weights of 8 bits, sums in half precision.
      const differences = expected.slice(0, -1).map((logprob, index) => Math.abs(logprob - logprobs[index]!));
      expect(Math.max(...differences)).toBeLessThan(0.1);

      const inFlight = complete(onGpu, { max_tokens: 200 });
      await expect.poll(async () => (await health(onGpu)).leases, { timeout: 60_000, interval: 5 }).toBe(1);
      process.kill((await health(onGpu)).process_id as number, "SIGSEGV");
      const whole = (await complete(onCpu, { max_tokens: 200 })).choices[0]!;
      expect((await inFlight).choices[0]!.text).toBe(whole.text);
      expect(await health(onGpu)).toMatchObject({
        device: "cpu",
        device_note: "the CPU is used because its process ended (SIGSEGV) while it used a GPU (vulkan)",
      });
    },
  );

  const needsSwift = swiftShader;
  it.skipIf(!needsSwift.isMet)(
    `stays on the CPU where llama.cpp cannot use the GPU, and says why${needsSwift.note}`,
    async () => {
      const server = await start("any", swiftShader);
      expect((await complete(server)).choices[0]!.text).not.toBe("");
      expect(await health(server)).toMatchObject({
        device: "cpu",
        device_note: expect.stringMatching(
          /^the CPU is used because a GPU was tried: the process ended with SIG\w+ \(ggml_vulkan: .*16-bit storage/,
        ),
      });
    },
  );
});
