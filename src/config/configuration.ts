// What the configuration is once files, variables and flags have been read, checked and joined: the only form in which
// the rest of the server sees it.
import type { ConfiguredModel } from "../domain/model.ts";

export interface Configuration {
  /** Absolute path of the file that was read; the bundled `default.yaml` when none was named. */
  readonly file: string;
  readonly server: ServerConfiguration;
  readonly logging: LoggingConfiguration;
  readonly memory: MemoryConfiguration;
  readonly runners: RunnersConfiguration;
  /** In the order of the file, then of variables and flags. Ids are unique. */
  readonly models: readonly ConfiguredModel[];
  /** Alias to model id; every target exists, none is itself an alias. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly defaults: DefaultModels;
  /** Sentences for the operator about what is allowed but probably not meant. */
  readonly warnings: readonly string[];
}

export interface ServerConfiguration {
  readonly host: string;
  /** 0 = a free port. */
  readonly port: number;
  readonly bodyLimitBytes: number;
  /** Empty = no key is asked for. */
  readonly apiKeys: readonly string[];
  /** Names beside localhost, addresses and `host`; `*` = any. */
  readonly allowedHosts: readonly string[];
  /** Origins for CORS; `*` = any; empty = none. */
  readonly allowedOrigins: readonly string[];
  /** 0 = no limit. */
  readonly maxConnections: number;
  /** 0 = no limit. */
  readonly maxConcurrentRequests: number;
  /** 0 = no limit. */
  readonly requestTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  /** Silence after which a stream sends a comment; 0 = never. */
  readonly ssePingMs: number;
}

export interface LoggingConfiguration {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  readonly format: "auto" | "pretty" | "json";
}

export interface MemoryConfiguration {
  readonly budgetBytes: number;
}

export interface RunnersConfiguration {
  readonly startTimeoutMs: number;
  readonly loadTimeoutMs: number;
  /** 0 = never. */
  readonly hangTimeoutMs: number;
  /** Tokens of a stream are sent at most so often; 0 = each on its own, `auto` = as the model leaves cores for it. */
  readonly streamIntervalMs: number | "auto";
  /** Absolute. */
  readonly cacheDirectory: string;
}

/** Id of the model that answers a request which names none; `null` = there is no such model. */
export interface DefaultModels {
  readonly text: string | null;
  readonly embedding: string | null;
  readonly rerank: string | null;
  readonly image: string | null;
}
