// Loads node-llama-cpp's prebuilt native library, once per process. It never builds or downloads one.
import { getLlama, LlamaLogLevel, type Llama } from "node-llama-cpp";
import type { BackendContext } from "../../../domain/backend.ts";
import { ServerError } from "../../../domain/errors.ts";

export interface Library {
  readonly llama: Llama;
  /** The errors that llama.cpp logged since the last call, newest last, five at most: only they say why a load failed. */
  takeErrors(): readonly string[];
}

/** Which GPU's library is opened: what node-llama-cpp finds best, a certain one, or that of the CPU alone. */
export type LibraryGpu = "auto" | "cuda" | "vulkan" | "metal" | false;

const keptErrors = 5;

/** The errors that llama.cpp logged since they were last taken. */
const errors: string[] = [];

let opened: Promise<Library> | undefined;

/**
 * Opens the library, once per process: with a second copy llama.cpp's messages would be lost. So the first caller decides on the
 * GPU; a draft model shares the copy of its model.
 *
 * @throws ServerError `model_load_failed` when no prebuilt library fits this machine.
 */
export function openLibrary(log: BackendContext["log"], { gpu }: { gpu: LibraryGpu }): Promise<Library> {
  if (opened !== undefined) return opened;
  opened = open(log, gpu);
  opened.catch(() => {
    opened = undefined;
  });
  return opened;
}

async function open(log: BackendContext["log"], gpu: LibraryGpu): Promise<Library> {
  try {
    const llama = await getLlama({
      gpu,
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
    return { llama, takeErrors: () => errors.splice(0) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ServerError("model_load_failed", `llama.cpp has no library for this machine: ${reason}`, {
      cause: error,
    });
  }
}
