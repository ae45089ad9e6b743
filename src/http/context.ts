// The dependencies of the HTTP application, and the values that middleware leaves for the routes.
import type { Logger } from "pino";
import type { Administration } from "../services/administration.ts";
import type { HealthService } from "../services/health.ts";
import type { Inference } from "../services/inference.ts";
import type { ModelsService } from "../services/models.ts";
import type { RequestLifetime } from "./request-lifetime.ts";

/** Everything that routes and middleware use; put together in `app.ts`. */
export interface HttpDependencies {
  readonly inference: Inference;
  readonly models: ModelsService;
  readonly health: HealthService;
  readonly administration: Administration;
  readonly settings: HttpSettings;
  readonly log: Pick<Logger, "debug" | "info" | "warn" | "error">;
  /** Random part of an id: at least 24 characters of `[a-z0-9]`. */
  readonly createId: () => string;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly version: string;
}

export interface HttpSettings {
  readonly bodyLimitBytes: number;
  /** Empty = no key is asked for. */
  readonly apiKeys: readonly string[];
  /** Host names (without port) that a request may address, beside IP addresses; `*` = any. The server's own are among them. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call the API, beside pages that this machine serves; `*` = any. */
  readonly allowedOrigins: readonly string[];
  /** Requests served at once; one more gets 429, unless it is a health probe. 0 = no limit. */
  readonly maxConcurrentRequests: number;
  /** 0 = no limit. */
  readonly requestTimeoutMs: number;
  /** A stream that has sent nothing for an interval of this length sends a comment; 0 = never. */
  readonly ssePingMs: number;
}

/** Hono's type parameter: values that middleware leaves for routes. */
export interface HttpEnvironment {
  Variables: {
    requestId: string;
    lifetime: RequestLifetime;
    /** The model's name as the caller wrote it, for the access log. */
    modelName: string | undefined;
    /** What of the request is not held, for the header that tells of it. */
    warnings: readonly string[] | undefined;
  };
}
