// The time of decisions per batch, per step and per request: npx vitest bench test/bench/policies.bench.ts
import { bench, describe } from "vitest";
import { createScheduler } from "../../src/backends/diffusion/schedulers/create-scheduler.ts";
import { selectMicroBatch } from "../../src/backends/embedding/batching/micro-batch.ts";
import {
  addRequest,
  endTurn,
  nothingPending,
  takeMicroBatch,
  type PendingTexts,
} from "../../src/backends/embedding/batching/pending-texts.ts";
import { Scheduler } from "../../src/registry/scheduler.ts";
import { fakeDescription } from "../support/fake-backend.ts";
import { TorchGenerator } from "../../src/backends/diffusion/noise/torch-random.ts";

const limits = { maxBatchTokens: 512, maxPaddingShare: 0.1 };
const lengths = Array.from({ length: 1024 }, (_, index) => 3 + ((index * 7919) % 180));

function drain(waiting: PendingTexts): void {
  let pending = waiting;
  for (;;) {
    const { request, rest } = takeMicroBatch(pending, limits);
    if (request === undefined) return;
    pending = endTurn(rest, request);
  }
}

describe("micro-batches of 1,024 waiting texts", () => {
  const sorted = lengths.map((tokens) => ({ tokens })).sort((a, b) => a.tokens - b.tokens);
  bench("one window", () => void selectMicroBatch(sorted, { seed: 512, limits }));
  bench("from queue to empty", () => {
    drain(addRequest(nothingPending, { request: 0, lengths }));
  });
  bench("16 requests of 64 in turn", () => {
    let pending = nothingPending;
    for (let request = 0; request < 16; request++) {
      pending = addRequest(pending, { request, lengths: lengths.slice(request * 64, request * 64 + 64) });
    }
    drain(pending);
  });
});

describe("model scheduler", () => {
  const scheduler = new Scheduler({ models: [{ id: "m", pinned: false, ttlMs: 0 }], budgetBytes: 1e9 });
  const generation = 1;
  const instance = { processId: undefined, residentBytes: 1, description: fakeDescription };
  scheduler.dispatch({ type: "acquire", ticket: 0, model: "m", estimatedBytes: 1 }, 0);
  scheduler.dispatch({ type: "loaded", model: "m", generation, bytes: 1, instance }, 0);
  let ticket = 0;
  bench("acquire and release of a loaded model", () => {
    scheduler.dispatch({ type: "acquire", ticket: ++ticket, model: "m", estimatedBytes: 1 }, ticket);
    scheduler.dispatch({ type: "release", model: "m", generation }, ticket);
  });
});

describe("diffusion schedulers, 20 steps over the latents of 512x512", () => {
  const size = 4 * 64 * 64;
  const noise = Float32Array.from({ length: size }, (_, index) => Math.sin(index));
  const betas = { num_train_timesteps: 1000, beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" };
  for (const name of [
    "PNDMScheduler",
    "DDIMScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "UniPCMultistepScheduler",
    "HeunDiscreteScheduler",
  ]) {
    bench(name, () => {
      const scheduler = createScheduler({ _class_name: name, ...betas }, { steps: 20 });
      const random = new TorchGenerator(1);
      let sample: Float32Array = noise;
      for (const [index] of scheduler.timesteps.entries()) {
        sample = scheduler.step({ modelOutput: noise, sample, index, random });
      }
    });
  }
});
