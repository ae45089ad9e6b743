// The failures of fetching a model. Each reason has a message that says what happened and a remedy that says what to do.

export type HubFailureReason =
  /** The repository is missing, private or gated, and the hub does not say which. */
  | "missing-or-private"
  | "missing-revision"
  | "missing-file"
  | "missing-variant"
  /** The terms of the model have not been accepted. */
  | "gated"
  | "disabled"
  | "token-rejected"
  | "forbidden"
  | "rate-limited"
  /** The server answers with an error of its own. */
  | "server-error"
  /** No answer: name, route, proxy, certificate, time-out. */
  | "unreachable"
  | "interrupted"
  | "offline"
  /** The answer breaks the protocol: the address is not a hub, or a proxy writes into it. */
  | "protocol"
  | "checksum"
  | "too-large"
  | "unsafe-path"
  | "disk-full"
  | "disk-error"
  /** Nothing in the repository can be served. */
  | "unsupported"
  | "python"
  | "busy"
  | "unknown-name"
  | "bad-reference";

export interface FailureDetails {
  /** One sentence, without secrets such as signed addresses. */
  readonly message: string;
  /** What the user can do, as sentences. */
  readonly remedy?: string;
  /** Seconds after which the server asked to be called again. */
  readonly retryAfterSeconds?: number;
}

/** A model could not be fetched, for a reason that the user can act on. */
export class HubFailure extends Error {
  readonly reason: HubFailureReason;
  readonly remedy: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(reason: HubFailureReason, details: FailureDetails, options?: ErrorOptions) {
    super(details.message, options);
    this.name = "HubFailure";
    this.reason = reason;
    this.remedy = details.remedy ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
  }
}

/** Reasons for which the same request may succeed a moment later. */
const passing: ReadonlySet<HubFailureReason> = new Set(["rate-limited", "server-error", "unreachable", "interrupted"]);

export function isPassing(error: unknown): error is HubFailure {
  return error instanceof HubFailure && passing.has(error.reason);
}
