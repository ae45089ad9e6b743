// `hearth bench` against real servers with the bundled models: every command, and what it prints, writes and starts.
import { readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../src/bench/report/report.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommandLine, type Captured } from "../unit/cli/capture.ts";

const repository = resolve(import.meta.dirname, "../..");
let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startTestServer();
  folder = temporaryFolder("bench");
}, 60_000);
afterAll(() => server.close());

async function bench(...args: string[]): Promise<{ readonly captured: Captured; readonly report: Report }> {
  const json = join(folder, "report.json");
  await rm(json, { force: true });
  const captured = await runCommandLine(["bench", ...args, "--json", json, "--markdown"], { cwd: folder });
  expect(captured).toMatchObject({ exitCode: 0, warned: "" });
  return { captured, report: JSON.parse(await readFile(json, "utf8")) as Report };
}

function figure(report: Report, { point = 0, key }: { readonly point?: number; readonly key: string }) {
  const found = report.points[point]?.figures.find((candidate) => candidate.key === key);
  if (found === undefined) throw new Error(`The report has no ${key}.`);
  return found;
}

const medians = (report: Report, key: string, point = 0) =>
  figure(report, { point, key }).summaries.map((summary) => summary?.median ?? Number.NaN);

describe("hearth bench", () => {
  it("measures text of two servers in turn, several streams at once, and draws a plot", async () => {
    const both = [
      "--url",
      server.baseURL,
      "--model",
      "tiny-chat",
      "--against",
      server.url,
      "--against-model",
      "tiny-chat",
    ];
    const sizes = ["--streams", "1,3", "--prompt-tokens", "40", "--output-tokens", "12", "--rounds", "2"];
    const { captured, report } = await bench("text", ...both, ...sizes, "--plot", "plot.svg");
    expect(report.points.map(({ label }) => label)).toEqual(["1 stream", "3 streams"]);
    for (const point of [0, 1]) {
      for (const tokens of medians(report, "prompt_tokens", point)) {
        expect(tokens).toBeGreaterThan(25);
        expect(tokens).toBeLessThan(70);
      }
      for (const rate of medians(report, "tokens_per_second", point)) expect(rate).toBeGreaterThan(0);
      expect(figure(report, { point, key: "tokens_per_second" }).ratio?.median).toBeGreaterThan(0);
    }
    expect(captured.printed).toMatch(/\| 3 streams +\| tokens in all \(tok\/s\) ↑ +\|/);
    expect(await readFile(join(folder, "plot.svg"), "utf8")).toContain("Inter-token latency (ms)");
  }, 60_000);

  it("holds chats of several turns, whose history comes from the cache", async () => {
    const sizes = ["--streams", "1", "--turns", "3", "--prompt-tokens", "40", "--output-tokens", "8", "--rounds", "1"];
    const { report } = await bench("text", "--url", server.url, "--model", "tiny-chat", ...sizes);
    expect(medians(report, "later_first_token_p50")[0]).toBeGreaterThan(0);
    expect(medians(report, "cached_tokens")[0]).toBeGreaterThan(0);
  }, 60_000);

  it("measures embeddings by batch and clients", async () => {
    const sizes = ["--texts", "12", "--batch", "1,4", "--concurrency", "3", "--rounds", "1", "--max-words", "40"];
    const { report } = await bench("embeddings", "--url", server.url, "--model", "tiny-embed", ...sizes);
    expect(report.points.map(({ label }) => label)).toEqual([
      "3 clients with 1 text a request",
      "3 clients with 4 texts a request",
    ]);
    expect(medians(report, "texts_per_second", 1)[0]).toBeGreaterThan(0);
    expect(medians(report, "latency_p99")[0]).toBeGreaterThan(0);
  }, 60_000);

  it("measures the bare server", async () => {
    const { report } = await bench(
      "http",
      "--url",
      server.url,
      "--connections",
      "4",
      "--seconds",
      "0.2",
      "--rounds",
      "1",
    );
    expect(report.points.map(({ label }) => label)).toEqual([
      "GET /models, 4 connections",
      "one-token completion, 4 connections",
    ]);
    for (const point of [0, 1]) expect(medians(report, "requests_per_second", point)[0]).toBeGreaterThan(1);
  }, 60_000);

  it("measures pictures", async () => {
    const sizes = ["--size", "64x64", "--steps", "2", "--rounds", "1", "--warmups", "0"];
    const { report } = await bench("images", "--url", server.url, "--model", "tiny-image", ...sizes);
    const [perImage = 0] = medians(report, "seconds_per_image");
    expect(medians(report, "seconds_per_step")[0]).toBeCloseTo(perImage / 2, 6);
  }, 120_000);

  it("starts a server, measures its start and its memory, and stops it", async () => {
    const occupant = createServer().listen(0, "127.0.0.1");
    await once(occupant, "listening");
    const address = occupant.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    occupant.close();
    const main = join(repository, "src/main.ts");
    const command = `cd "${repository}" && exec "${process.execPath}" --import tsx "${main}" --port ${port} --log-level error`;
    const flags = [
      "--url",
      `127.0.0.1:${port}`,
      "--model",
      "tiny-chat",
      "--settle",
      "0.1",
      "--rounds",
      "1",
      "--warmups",
      "0",
    ];
    const { report } = await bench("startup", "--command", command, ...flags);
    const [listening = 0] = medians(report, "listening");
    expect(listening).toBeGreaterThan(0);
    expect(medians(report, "first_token")[0]).toBeGreaterThan(listening);
    if (process.platform === "linux") {
      expect(medians(report, "loaded_memory")[0]).toBeGreaterThan(medians(report, "idle_memory")[0] ?? Infinity);
    }
    await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow("fetch failed");
  }, 60_000);

  it("fails with a message when no server answers", async () => {
    const captured = await runCommandLine(["bench", "http", "--url", "127.0.0.1:9"]);
    expect(captured).toEqual({
      exitCode: 1,
      printed: "",
      warned: "The benchmark failed: A: no server answers at http://127.0.0.1:9/v1.",
    });
  });
});
