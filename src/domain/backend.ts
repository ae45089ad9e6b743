// The contract of a backend: it hosts one loaded model and answers operations with streams of events. The backends under `backends/`
// implement it, and so does the server's proxy for a runner process, so a caller does not know in which process a model runs.
import type { ChatRequest } from "./chat.ts";
import type { CompletionRequest } from "./completion.ts";
import type { DeviceServices, DeviceUse } from "./device.ts";
import type { EmbeddingRequest, EmbeddingResult, RerankRequest, RerankResult } from "./embedding.ts";
import type { ImageEditRequest, ImageEvent, ImageRequest } from "./image.ts";
import type { AppliedTemplate, TextEvent } from "./text.ts";

/** The types of every operation's request and events. All values survive structured clone. */
export interface Operations {
  readonly chat: { readonly request: ChatRequest; readonly event: TextEvent };
  readonly completion: { readonly request: CompletionRequest; readonly event: TextEvent };
  /** Yields exactly one event. */
  readonly "apply-template": { readonly request: ChatRequest; readonly event: AppliedTemplate };
  /** Yields exactly one event. */
  readonly embedding: { readonly request: EmbeddingRequest; readonly event: EmbeddingResult };
  /** Yields exactly one event. */
  readonly rerank: { readonly request: RerankRequest; readonly event: RerankResult };
  readonly image: { readonly request: ImageRequest; readonly event: ImageEvent };
  readonly "image-edit": { readonly request: ImageEditRequest; readonly event: ImageEvent };
}

export type Operation = keyof Operations;

/** The facts about a loaded model that its backend reports. */
export interface BackendDescription extends DeviceUse {
  /** Operations that this model can run; any other is refused before it reaches the backend. */
  readonly operations: readonly Operation[];
  /**
   * Bytes that the loaded model is expected to hold at its peak, weights and caches. The registry counts these, or what its process
   * holds after the load where that is more.
   */
  readonly memoryBytes: number;
  /** The model computes on every core of the machine, so anything else that runs slows it down. */
  readonly occupiesAllCores?: boolean;
  /** Changes with the weights, their quantisation, the backend's build and its threads; OpenAI's `system_fingerprint`. */
  readonly fingerprint: string;
  /** Facts for the model list and the health report, e.g. `context_length`, `embedding_dimensions`. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Takes the events of one operation. The reader grants credit, counted in events; a producer without credit pauses, and nothing else
 * slows it down. Work that yields no event costs no credit, so no producer waits for a reader that has nothing to read.
 */
export interface EventSink<T> {
  /** Takes an event, also without credit: a producer of several events at once need not stop between them. */
  push(event: T): void;
  /** Events that the reader is ready to take beyond those pushed. A producer pauses while it is zero or less. */
  readonly credit: number;
  /** Calls `listener` with the number of events for which credit came back. There is one listener. */
  onCredit(listener: (events: number) => void): void;
}

/** The sink and the signal of one run of an operation. */
export interface Call<T> {
  readonly sink: EventSink<T>;
  readonly signal: AbortSignal;
}

/** One loaded model. */
export interface Backend {
  readonly description: BackendDescription;

  /**
   * Runs one operation and resolves when its last event is in the sink; a failure rejects with `ServerError`. Everything that can
   * be refused is refused before the first event. Aborting the signal frees the device within one step, and the operation
   * rejects with the signal's reason.
   */
  run<O extends Operation>(
    operation: O,
    request: Operations[O]["request"],
    call: Call<Operations[O]["event"]>,
  ): Promise<void>;

  /** Frees everything. Idempotent; running operations end with `shutting_down`. */
  dispose(): Promise<void>;
}

/** The services that a backend gets when it is created. */
export interface BackendContext {
  /** Messages for the operator: `info` for facts worth a line, `warn` for something degraded. */
  readonly log: (level: "debug" | "info" | "warn" | "error", message: string, facts?: Record<string, unknown>) => void;
  /** Folder for caches that survive a restart, such as the states of long prompts. */
  readonly cacheDirectory: string;
  /** Bytes that all loaded models together may hold. */
  readonly memoryBudgetBytes: number;
  /** Aborts when the process is told to stop; a load still under way then rejects. */
  readonly signal: AbortSignal;
  /** Left out = the CPU alone, but for devices that the model's configuration names. */
  readonly devices?: DeviceServices;
}
