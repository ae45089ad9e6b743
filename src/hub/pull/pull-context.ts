// What every source of models needs to be pulled from.
import type { PullListener } from "../../domain/hub/pull.ts";
import type { ModelKind } from "../../domain/model.ts";
import type { HttpClient } from "../http/http-client.ts";
import type { HubEnvironment, Environment } from "../environment.ts";
import type { JournalPolicy } from "../fetch/partial-file.ts";
import type { TransferTools } from "../fetch/transfer.ts";
import type { ModelStore } from "../store/model-store.ts";
import type { PullMeter } from "./pull-meter.ts";

export interface PullContext {
  readonly hub: HubEnvironment;
  /** For programs that are started. */
  readonly processEnvironment: Environment;
  readonly http: HttpClient;
  readonly store: ModelStore;
  readonly listener: PullListener;
  readonly meter: PullMeter;
  readonly tools: Pick<TransferTools, "http" | "signal" | "delay" | "random" | "connections" | "pieceBytes">;
  readonly journal: JournalPolicy;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** What is pulled, whatever its source. */
export interface PullTarget {
  /** The name under which it will be served. */
  readonly name: string;
  /** Canonical form of what the user wrote. */
  readonly reference: string;
  /** Known from the list of models; `null` = found from the files. */
  readonly kind: ModelKind | null;
  /** Options from the list of models; those of the choice win. */
  readonly options: Readonly<Record<string, unknown>>;
}
