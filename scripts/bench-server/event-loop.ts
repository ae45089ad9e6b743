// Measures the delay of the server's event loop while chat, embeddings and images are served at once: the HTTP process does all its work
// for them on this one loop.
//
//   npx tsx scripts/bench-server/event-loop.ts [--seconds 20] 2>/dev/null
//
// The server runs in this process, with the bundled models in their runners and its log as in production (on standard error); the client
// is another process. Node's histogram holds the times between the ticks of a timer. Without any delay they equal the timer's resolution,
// which is therefore subtracted; the first two rows show the rest when nothing happens. A tick is also late when another process has the
// core, and runners and client use the same cores: on Linux the last columns tell how long the loop's thread ran, and how long it was
// ready and waited for a core.
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";

import { startServer } from "../../src/app.ts";
import { loadConfiguration } from "../../src/config/load-configuration.ts";
import type { LoadCommand, LoadMessage, LoadPlan } from "./load-client.ts";
import { measureLoop, resolutionMs, type LoopDelays } from "./loop-delays.ts";

const goalMs = 10;
const quietSeconds = 3;

const program = new Command("event-loop").option("--seconds <count>", "under load", toSeconds, 20).parse();
const { seconds } = program.opts<{ readonly seconds: number }>();

const folder = mkdtempSync(join(tmpdir(), "bench-server-"));
const rows: (readonly [string, LoopDelays])[] = [["empty loop", await measureLoop(quietSeconds)]];
const configuration = loadConfiguration({
  flags: { port: ["0"], "log-format": ["json"], "cache-directory": [join(folder, "cache")] },
  environment: {},
  cwd: process.cwd(),
});
const server = await startServer(configuration);
let client: ChildProcess | undefined;
try {
  const { text, embedding, image } = configuration.defaults;
  if (text === null || embedding === null || image === null) throw new Error("The bundled models are not all there.");
  const plan: LoadPlan = {
    baseUrl: `${server.url}/v1`,
    chatModel: text,
    embeddingModel: embedding,
    imageModel: image,
  };
  client = fork(new URL("./load-client.ts", import.meta.url), [JSON.stringify(plan)], {
    execArgv: ["--import", "tsx"],
  });
  await nextMessage(client, "warm");
  rows.push(["server at rest, models loaded", await measureLoop(quietSeconds)]);
  const reported = nextMessage(client, "report");
  send(client, "run");
  rows.push(["chat, embeddings, images", await Promise.race([measureLoop(seconds), failOf(reported)])]);
  send(client, "stop");
  const { served } = await reported;
  report();
  console.log(
    `\nServed in ${seconds} s: ${served.chats} chats (2 streams, mostly of 256 tokens), ${served.embeddings} embedding requests of 32 texts, ` +
      `${served.images} images. Goal: p99 under ${goalMs} ms.`,
  );
} finally {
  if (client?.connected) client.disconnect();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}

function report(): void {
  console.log(`Event-loop delay in ms, less the timer's own ${resolutionMs} ms\n`);
  console.log("| | mean | p50 | p99 | max | ran | waited for a core |\n|---|---:|---:|---:|---:|---:|---:|");
  const toPercent = (share: number | null): string => (share === null ? "–" : `${(share * 100).toFixed(1)} %`);
  for (const [name, { mean, p50, p99, max, ran, waited }] of rows) {
    const delays = [mean, p50, p99, max].map((value) => value.toFixed(2));
    console.log(`| ${[name, ...delays, toPercent(ran), toPercent(waited)].join(" | ")} |`);
  }
}

function send(child: ChildProcess, command: LoadCommand): void {
  child.send(command);
}

/** The client's next message. @throws Error when it ends instead, or sends another type */
function nextMessage<T extends LoadMessage["type"]>(
  child: ChildProcess,
  type: T,
): Promise<Extract<LoadMessage, { type: T }>> {
  return new Promise((resolve, reject) => {
    const end = (code: number | null): void => reject(new Error(`The client ended with exit code ${code}.`));
    child.once("exit", end);
    child.once("message", (message: LoadMessage) => {
      child.off("exit", end);
      if (message.type === type) resolve(message as Extract<LoadMessage, { type: T }>);
      else reject(new Error(`The client said '${message.type}' rather than '${type}'.`));
    });
  });
}

/** Never resolves; rejects when the client fails, so that the measurement ends with it. */
async function failOf(reported: Promise<unknown>): Promise<never> {
  await reported;
  throw new Error("The client reported before it was told to stop.");
}

function toSeconds(written: string): number {
  const value = Number(written);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be a positive number.");
}
