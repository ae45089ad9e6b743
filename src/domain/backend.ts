// The one contract between the floors: a backend hosts one model and answers operations as streams of events.
// The runner proxy (another process) and a backend in this process look the same from above.
import type { ChatRequest } from "./chat.ts";
import type { CompletionRequest } from "./completion.ts";
import type { EmbeddingRequest, EmbeddingResult, RerankRequest, RerankResult } from "./embedding.ts";
import type { ImageEditRequest, ImageEvent, ImageRequest } from "./image.ts";
import type { AppliedTemplate, TextEvent } from "./text.ts";

/** Every operation with the request it takes and the event it yields. All values survive structured clone. */
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

/** What a loaded backend says of itself. */
export interface BackendDescription {
  /** What this model can do; anything else is refused by name before it reaches the backend. */
  readonly operations: readonly Operation[];
  /** Bytes of memory the loaded model is expected to hold, weights and caches; the ledger counts these. */
  readonly memoryBytes: number;
  /** Where it runs, e.g. `cpu`, `cuda`; with the reason when a configured device was not available. */
  readonly device: string;
  readonly deviceNote?: string;
  /** It computes on every core of the machine, so whatever else runs takes time from it. */
  readonly occupiesAllCores?: boolean;
  /** Covers weights, quantisation, backend build and threads; OpenAI's `system_fingerprint`. */
  readonly fingerprint: string;
  /** Facts for the model list and the health report, e.g. `context_length`, `embedding_dimensions`. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Where the events of one operation go. The reader grants credit, counted in events: that is the only way in which a slow reader
 * slows a producer. What makes no event costs no credit, so no producer waits for a reader who has nothing to read.
 */
export interface EventSink<T> {
  /** Takes an event, even without credit: whoever produces several at once need not stop between them. */
  push(event: T): void;
  /** Events that the reader is ready to take beyond those pushed. A producer pauses while it is zero or less. */
  readonly credit: number;
  /** Calls `listener` with the number of events for which credit came back. There is one listener. */
  onCredit(listener: (events: number) => void): void;
}

/** What an operation is run with. */
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

/** What a backend is given when it is created, beside the model. */
export interface BackendContext {
  /** Messages for the operator: `info` for facts worth a line, `warn` for something degraded. */
  readonly log: (level: "debug" | "info" | "warn" | "error", message: string, facts?: Record<string, unknown>) => void;
  /** Folder for caches that survive a restart, such as thread calibration. */
  readonly cacheDirectory: string;
  readonly signal: AbortSignal;
}
