// Loads the native library once per process: never a build, never a download, whatever is missing.
import { getLlama, LlamaLogLevel, type Llama } from "node-llama-cpp";
import type { BackendContext } from "../../domain/backend.ts";
import { ServerError } from "../../domain/errors.ts";

export interface Library {
  readonly llama: Llama;
  /** The last errors that llama.cpp logged, newest last: why a load failed stands only there. */
  recentErrors(): readonly string[];
}

const keptErrors = 5;

/** @throws ServerError `model_load_failed` when no prebuilt library fits this machine. */
export async function openLibrary(log: BackendContext["log"], { gpu }: { gpu: boolean }): Promise<Library> {
  const errors: string[] = [];
  try {
    const llama = await getLlama({
      gpu: gpu ? "auto" : false,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.warn,
      logger: (level, message) => {
        const text = message.trim();
        if (text === "") return;
        const isError = level === LlamaLogLevel.error || level === LlamaLogLevel.fatal;
        if (isError) errors.splice(0, errors.length, ...errors.slice(1 - keptErrors), text);
        log(isError ? "error" : "debug", `llama.cpp: ${text}`);
      },
    });
    return { llama, recentErrors: () => errors };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ServerError("model_load_failed", `llama.cpp has no library for this machine: ${reason}`, {
      cause: error,
    });
  }
}
