// Reads from a benchmark's flags what is measured: server A, and B, a server or a process, where one is named.
import type { SubjectDescription } from "../../bench/run-benchmark.ts";
import { toBaseUrl } from "../../bench/peers/server-client.ts";
import type { Environment, FlagValues } from "../../config/layers.ts";
import { isSet, objectFlag, textFlag } from "../arguments/flag-values.ts";
import { UsageError } from "../arguments/usage-error.ts";

const defaultUrl = "http://127.0.0.1:8484/v1";

/** Returns A, then B where one is named. @throws UsageError */
export function readSubjects(flags: FlagValues, environment: Environment): SubjectDescription[] {
  const extraBody = objectFlag(flags, "body");
  const first: SubjectDescription = {
    kind: "server",
    client: {
      url: readUrl(textFlag(flags, "url", defaultUrl), "url"),
      model: textFlag(flags, "model", null),
      apiKey: textFlag(flags, "api-key", environment["HEARTH_API_KEY"] ?? null),
      extraBody,
    },
    command: textFlag(flags, "command", null),
  };
  const process = textFlag(flags, "against-process", null);
  const against = textFlag(flags, "against", null);
  if (process !== null && against !== null) throw new UsageError("--against and --against-process exclude each other.");
  if (process !== null) return [first, { kind: "process", command: process }];
  if (against !== null) {
    const client = {
      url: readUrl(against, "against"),
      model: textFlag(flags, "against-model", null),
      apiKey: textFlag(flags, "against-api-key", null),
      extraBody,
    };
    return [first, { kind: "server", client, command: textFlag(flags, "against-command", null) }];
  }
  for (const flag of ["against-model", "against-command", "against-api-key"]) {
    if (isSet(flags, flag)) throw new UsageError(`--${flag} needs --against: the base URL of B.`);
  }
  return [first];
}

function readUrl(written: string, flag: string): string {
  try {
    return toBaseUrl(written).href;
  } catch {
    throw new UsageError(`--${flag} must be a base URL such as ${defaultUrl}, not ${written}.`);
  }
}
