// Runs a benchmark, from the descriptions of its subjects to its report. Starts servers, waits for them and stops them.
import type { Benchmark, Point, Subject } from "./benchmark.ts";
import { MeasuringProcess } from "./peers/measuring-process.ts";
import { isHealthy, PeerProcess } from "./peers/peer-process.ts";
import { createReport, type Report, type ReportedSubject } from "./report/report.ts";
import { runRounds, type RoundsOptions } from "./rounds.ts";
import { ServerClient, type ServerClientOptions } from "./peers/server-client.ts";

/** What is to be measured. */
export type SubjectDescription =
  | {
      readonly kind: "server";
      readonly client: ServerClientOptions;
      /** Shell command that starts the server at the client's URL; `null` = it runs already. */
      readonly command: string | null;
    }
  | { readonly kind: "process"; readonly command: string };

export interface RunBenchmarkOptions extends RoundsOptions {
  /** One, or two to compare. */
  readonly subjects: readonly SubjectDescription[];
  /** The command line of this run, for the report. */
  readonly commandLine: string;
}

const labels = ["A", "B"];

/** Runs a benchmark. What it started is stopped in any case. Rejects with the signal's reason when `signal` aborts. */
export async function runBenchmark<P extends Point>(
  benchmark: Benchmark<P>,
  { subjects: descriptions, commandLine, ...options }: RunBenchmarkOptions,
): Promise<Report> {
  const date = new Date();
  const releases: (() => Promise<void>)[] = [];
  try {
    const subjects: Subject[] = [];
    for (const [index, description] of descriptions.entries()) {
      const { subject, start, release } = openSubject(labels[index] ?? String(index), description);
      releases.push(release);
      subjects.push(subject);
      if (!benchmark.startsServers) await start(options.signal);
    }
    const results = await runRounds(benchmark, { ...options, subjects });
    const reported = descriptions.map((description, index) => describe(subjects[index]?.label ?? "", description));
    return createReport(benchmark, results, { subjects, reported, rounds: options.rounds, commandLine, date });
  } finally {
    for (const release of releases.reverse()) await release();
  }
}

interface OpenedSubject {
  readonly subject: Subject;
  /** Starts its server, if it has a command, and waits until it is healthy. */
  readonly start: (signal: AbortSignal) => Promise<void>;
  readonly release: () => Promise<void>;
}

function openSubject(label: string, description: SubjectDescription): OpenedSubject {
  const { command } = description;
  if (description.kind === "process") {
    const process = new MeasuringProcess(description.command);
    return {
      subject: { label, server: null, process, command: null, processId: () => process.processId },
      start: () => Promise.resolve(),
      release: () => process.close(),
    };
  }
  const server = new ServerClient(description.client);
  let peer: PeerProcess | null = null;
  return {
    subject: { label, server, process: null, command, processId: () => peer?.processId ?? 0 },
    async start(signal) {
      const isUp = await isHealthy(server, signal);
      if (command === null) {
        if (!isUp) throw new Error(`${label}: no server answers at ${server.baseUrl}.`);
        return;
      }
      if (isUp) throw new Error(`${label}: another server already answers at ${server.baseUrl}.`);
      peer = new PeerProcess(command);
      await peer.waitUntilHealthy(server, signal);
    },
    async release() {
      await peer?.stop();
      await server.close();
    },
  };
}

function describe(label: string, description: SubjectDescription): ReportedSubject {
  const { command } = description;
  if (description.kind === "process") return { label, what: command ?? "", model: null, command };
  const { url, model } = description.client;
  return { label, what: url, model, command };
}
