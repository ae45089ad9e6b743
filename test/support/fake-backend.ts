// A backend without weights, for tests of everything above the backends.
import { pushAll } from "./push-all.ts";
import type { Backend, BackendDescription, Call, Operation, Operations } from "../../src/domain/backend.ts";

export type FakeScript = {
  [O in Operation]?: (request: Operations[O]["request"], signal: AbortSignal) => AsyncIterable<Operations[O]["event"]>;
};

export const fakeDescription: BackendDescription = {
  operations: ["chat", "completion", "apply-template", "embedding", "rerank", "image", "image-edit"],
  memoryBytes: 1,
  device: "cpu",
  fingerprint: "fp_test",
  facts: {},
};

/** Answers each operation with the events that the script yields. */
export function createFakeBackend(script: FakeScript, description: Partial<BackendDescription> = {}): Backend {
  return {
    description: { ...fakeDescription, ...description },
    async run<O extends Operation>(
      operation: O,
      request: Operations[O]["request"],
      { sink, signal }: Call<Operations[O]["event"]>,
    ) {
      const answer = script[operation];
      if (answer === undefined) throw new Error(`the fake backend has no script for ${operation}`);
      await pushAll(answer(request, signal), { sink, signal });
    },
    dispose: () => Promise.resolve(),
  };
}
