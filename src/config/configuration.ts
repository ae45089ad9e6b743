// The configuration after file, variables and flags have been read, joined and checked. The rest of the server sees only this form.
import type { GpuPolicy } from "../domain/device.ts";
import type { ConfiguredModel } from "../domain/model.ts";
import type { ModelPlaces } from "../domain/hub/model-locator.ts";

export interface Configuration {
  /** Absolute path of the file that was read; the bundled `default.yaml` when none was named. */
  readonly file: string;
  readonly server: ServerConfiguration;
  readonly logging: LoggingConfiguration;
  readonly memory: MemoryConfiguration;
  readonly runners: RunnersConfiguration;
  readonly hub: ModelPlaces;
  /** In the order of the file, then of variables and flags. Ids are unique. */
  readonly models: readonly ConfiguredModel[];
  /** Alias to model id; every target exists, none is itself an alias. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Any name of an OpenAI model stands for the default of its kind, also one that is not among the aliases. */
  readonly openAiNames: boolean;
  readonly defaults: DefaultModels;
  /** Sentences for the operator about settings that are allowed but probably not meant. */
  readonly warnings: readonly string[];
}

export interface ServerConfiguration {
  readonly host: string;
  /** 0 = a free port. */
  readonly port: number;
  readonly bodyLimitBytes: number;
  /** Empty = no key is asked for. */
  readonly apiKeys: readonly string[];
  /** Host names that a request may address, beside localhost, IP addresses and `host`; `*` = any. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call (CORS), beside pages that this machine serves; `*` = any. */
  readonly allowedOrigins: readonly string[];
  /** 0 = no limit. */
  readonly maxConnections: number;
  /** 0 = no limit. */
  readonly maxConcurrentRequests: number;
  /** 0 = no limit. */
  readonly requestTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  /** A stream that has sent nothing for an interval of this length sends a comment; 0 = never. */
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
  /** Least time between two messages with tokens; 0 = none, `auto` = 40 where the model computes on every core, else 0. */
  readonly streamIntervalMs: number | "auto";
  readonly gpu: GpuPolicy;
  /** Absolute path. */
  readonly cacheDirectory: string;
}

/**
 * Ids of the models for requests that name none (only embeddings and images allow that), and for the examples that are printed at start;
 * `null` = there is no model of that purpose.
 */
export interface DefaultModels {
  readonly text: string | null;
  readonly embedding: string | null;
  readonly rerank: string | null;
  readonly image: string | null;
}
