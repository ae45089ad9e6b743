import { createServer } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { linux } from "../../support/skips/requires.ts";
import { MeasuringProcess } from "../../../src/bench/peers/measuring-process.ts";
import { isHealthy, PeerProcess } from "../../../src/bench/peers/peer-process.ts";
import { processorTreeMs, residentTreeBytes } from "../../../src/bench/peers/process-facts.ts";
import { ServerClient } from "../../../src/bench/peers/server-client.ts";
import { mixedTexts, randomWords } from "../../../src/bench/words.ts";

const signal = new AbortController().signal;
const releases: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function clientOf(port: number): ServerClient {
  const client = new ServerClient({ url: `127.0.0.1:${port}`, model: "m", apiKey: null, extraBody: {} });
  releases.push(() => client.close());
  return client;
}

function nodeCommand(code: string): string {
  return `"${process.execPath}" -e '${code}'`;
}

describe("PeerProcess", () => {
  it("waits until the server is healthy, not only listening, and stops all that the command started", async () => {
    const port = await freePort();
    const client = clientOf(port);
    // Healthy at the third question, as a server that loads its model first.
    const code = `let asked = 0; require("http").createServer((_, r) => { r.statusCode = ++asked < 3 ? 503 : 200; r.end(); }).listen(${port}, "127.0.0.1")`;
    // The shell stays between us and the server.
    const peer = new PeerProcess(`${nodeCommand(code)}; true`);
    releases.push(() => peer.stop());
    await peer.waitUntilHealthy(client, signal);
    expect(residentTreeBytes(peer.processId) ?? Infinity).toBeGreaterThan(10e6);
    await peer.stop();
    await expect.poll(() => isHealthy(client, signal)).toBe(false);
  });

  it("tells the last lines of a command that ends at once", async () => {
    const peer = new PeerProcess("echo the model is missing >&2; exit 3");
    await expect(peer.waitUntilHealthy(clientOf(await freePort()), signal)).rejects.toThrow(
      /ended \(exit code 3\):\nthe model is missing/,
    );
  });

  it("asks for the list of models where there is no /health", async () => {
    const port = await freePort();
    const code = `require("http").createServer((q, r) => { r.statusCode = q.url === "/v1/models" ? 200 : 404; r.end("{}"); }).listen(${port}, "127.0.0.1")`;
    const peer = new PeerProcess(nodeCommand(code));
    releases.push(() => peer.stop());
    await expect(peer.waitUntilHealthy(clientOf(port), signal)).resolves.toBeUndefined();
  });
});

describe("MeasuringProcess", () => {
  const echo = `require("readline").createInterface({ input: process.stdin }).on("line", (line) => { const { n } = JSON.parse(line); console.log("noise"); console.log(JSON.stringify(n < 0 ? { error: "negative" } : { seconds: n * 2 })); })`;

  it("answers one line of JSON with one line of JSON, noise left out", async () => {
    const measuring = new MeasuringProcess(nodeCommand(echo));
    releases.push(() => measuring.close());
    expect(await measuring.ask({ n: 2 }, signal)).toEqual({ seconds: 4 });
    expect(await measuring.ask({ n: 3 }, signal)).toEqual({ seconds: 6 });
    await expect(measuring.ask({ n: -1 }, signal)).rejects.toThrow("negative");
  });

  it("tells why when the process ends", async () => {
    const measuring = new MeasuringProcess("echo no such model >&2; exit 1");
    releases.push(() => measuring.close());
    await expect(measuring.ask({}, signal)).rejects.toThrow("The measuring process ended: no such model");
  });
});

describe("residentTreeBytes", () => {
  it.skipIf(!linux.isMet)(`counts this process, and nothing of one that is gone${linux.note}`, () => {
    const bytes = residentTreeBytes(process.pid) ?? 0;
    expect(bytes).toBeGreaterThan(20e6);
    expect(residentTreeBytes(2 ** 22 + 1)).toBe(0);
  });
});

describe("processorTreeMs", () => {
  it.skipIf(!linux.isMet)(`counts what this process and its children have worked${linux.note}`, async () => {
    const own = process.cpuUsage();
    const counted = processorTreeMs(process.pid) ?? 0;
    expect(counted).toBeGreaterThan((own.user + own.system) / 1000 - 50);
    const busy = new PeerProcess(nodeCommand("const end = performance.now() + 1e6; while (performance.now() < end);"));
    releases.push(() => busy.stop());
    await expect.poll(() => processorTreeMs(busy.processId), { timeout: 20_000 }).toBeGreaterThan(100);
    expect(processorTreeMs(2 ** 22 + 1)).toBe(0);
  });
});

describe("words", () => {
  it("are the same for the same seed and others for another", () => {
    expect(randomWords(20, 1)).toBe(randomWords(20, 1));
    expect(randomWords(20, 1)).not.toBe(randomWords(20, 2));
    expect(randomWords(20, 1).split(" ")).toHaveLength(20);
  });

  it("make texts of mixed lengths around the median, within the limit", () => {
    const lengths = mixedTexts({ count: 2000, seed: 3, medianWords: 37, maxWords: 139 })
      .map((text) => text.split(" ").length)
      .sort((a, b) => a - b);
    expect(lengths[1000]).toBeGreaterThan(34);
    expect(lengths[1000]).toBeLessThan(40);
    expect(lengths[0]).toBeGreaterThanOrEqual(3);
    expect(lengths.at(-1)).toBe(139);
  });
});
