// Writes models' events to the log: which of them get a line, and in which words.
import type { ModelEventListener } from "../domain/model-events.ts";
import type { Logger } from "./log.ts";

export function logModelEvents(log: Pick<Logger, "info" | "error">): ModelEventListener {
  return (event) => {
    const { model } = event;
    switch (event.type) {
      case "ready":
        log.info({ model, loadMs: Math.round(event.loadMs), bytes: event.bytes }, "Model loaded.");
        return;
      case "load-failed":
        log.error({ model, reason: event.reason }, "Model failed to load.");
        return;
      case "unload-begun":
        log.info({ model }, "Model unloads.");
        return;
      case "unloaded":
      case "crashed":
        if (event.exit !== undefined) log.info({ model, reason: event.exit }, "Runner ended.");
        return;
      case "load-begun":
      case "load-refused":
      case "use-changed":
      case "memory-changed":
      case "device-changed":
        return;
    }
  };
}
