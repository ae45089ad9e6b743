// The time of messages between server and runner, to a child that is forked as a runner and sends them back:
// npx vitest bench test/bench/ipc.bench.ts
import { fork } from "node:child_process";
import { join } from "node:path";
import { afterAll, bench, describe } from "vitest";
import type { CallUpdate } from "../../src/runners/protocol.ts";

const child = fork(join(import.meta.dirname, "echo-child.mjs"), [], { serialization: "advanced" });
let answered: () => void = () => undefined;
child.on("message", () => answered());
afterAll(() => void child.kill());

function roundTrip(message: object): Promise<void> {
  return new Promise((resolve) => {
    answered = resolve;
    child.send(message);
  });
}

const update: CallUpdate = { id: 1, event: { type: "text-delta", choice: 0, text: " token" } };
const updates = (count: number) => ({ type: "updates", updates: Array.from({ length: count }, () => update) });
const vectors = (count: number) => ({
  type: "updates",
  updates: [{ id: 1, event: { vectors: new Float32Array(count * 384), dimensions: 384, promptTokens: 1000 } }],
});

describe("round trip between two processes", () => {
  const cases = {
    "one token": updates(1),
    "8 tokens in one message": updates(8),
    "64 tokens in one message": updates(64),
    "1 vector of 384": vectors(1),
    "32 vectors of 384": vectors(32),
    "1,024 vectors of 384": vectors(1024),
  };
  for (const [name, message] of Object.entries(cases)) bench(name, () => roundTrip(message));
  bench("8 tokens in 8 messages", async () => {
    let waiting = 8;
    await new Promise<void>((resolve) => {
      answered = () => {
        waiting -= 1;
        if (waiting === 0) resolve();
      };
      for (let index = 0; index < 8; index++) child.send(updates(1));
    });
  });
});
