// The entry of a runner process: hosts exactly one model. Picks the backend by the model's kind and serves it over IPC.
import type { Backend, BackendContext } from "./domain/backend.ts";
import { ServerError } from "./domain/errors.ts";
import type { ModelSpec } from "./domain/model.ts";
import type { RunnerMessage, ServerMessage } from "./runners/protocol.ts";
import { serveRunner } from "./runners/serve-runner.ts";

process.title = `hearth ${process.argv.slice(2).join(" ")}`;

// A terminal sends its signals to the whole process group, but the server decides when a runner ends. A runner whose server is gone ends
// by itself.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));

serveRunner({
  channel: {
    send: (message: RunnerMessage, onSent) => {
      if (process.connected) process.send?.(message, () => onSent?.());
    },
    onMessage: (listener) => process.on("message", (message) => listener(message as ServerMessage)),
  },
  createBackend,
  exit: (code) => process.exit(code),
});

/** Imports only the backend of the model's kind: a runner never loads a runtime library that it does not use. */
async function createBackend(spec: ModelSpec, context: BackendContext): Promise<Backend> {
  switch (spec.kind) {
    case "text": {
      const { createLlamaBackend } = await import("./backends/llama/backend.ts");
      return createLlamaBackend(spec, context);
    }
    case "embedding": {
      const { createEmbeddingBackend } = await import("./backends/embedding/backend.ts");
      return createEmbeddingBackend(spec, context);
    }
    case "image": {
      const { createDiffusionBackend } = await import("./backends/diffusion/backend.ts");
      return createDiffusionBackend(spec, context);
    }
    case "upstream":
      throw new ServerError("model_load_failed", "An upstream has no weights and needs no runner.");
  }
}
