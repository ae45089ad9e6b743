// A benchmark from its subjects' descriptions to its report: servers are started, waited for and stopped here.
import type { Benchmark, Point, Subject } from "./benchmark.ts";
import { MeasuringProcess } from "./measuring-process.ts";
import { isHealthy, PeerProcess } from "./peer-process.ts";
import { createReport, type Report, type ReportedSubject } from "./report.ts";
import { runRounds, type RoundsOptions } from "./rounds.ts";
import { ServerClient, type ServerClientOptions } from "./server-client.ts";

/** Who is to be measured. */
export type SubjectDescription =
  | {
      readonly kind: "server";
      readonly client: ServerClientOptions;
      /** For a shell; starts the server that then answers at the client's URL. `null` = it runs already. */
      readonly command: string | null;
    }
  | { readonly kind: "process"; readonly command: string };

export interface RunBenchmarkOptions extends RoundsOptions {
  /** One, or two to be compared. */
  readonly subjects: readonly SubjectDescription[];
  /** As it was written, for the report. */
  readonly commandLine: string;
}

const labels = ["A", "B"];

/** Runs a benchmark; whatever was started is stopped, also when it fails or `signal` aborts. */
export async function runBenchmark<P extends Point>(
  benchmark: Benchmark<P>,
  { subjects: descriptions, commandLine, ...options }: RunBenchmarkOptions,
): Promise<Report> {
  const date = new Date();
  const releases: (() => Promise<void>)[] = [];
  try {
    const subjects: Subject[] = [];
    for (const [index, description] of descriptions.entries()) {
      const label = labels[index] ?? String(index);
      const { subject, release } = openSubject(label, description);
      releases.push(release);
      subjects.push(subject);
      if (!benchmark.startsServers) releases.push(await bringUp(subject, options.signal));
    }
    const results = await runRounds(benchmark, { ...options, subjects });
    const reported = descriptions.map((description, index) => describe(subjects[index]?.label ?? "", description));
    return createReport(benchmark, results, { subjects, reported, rounds: options.rounds, commandLine, date });
  } finally {
    for (const release of releases.reverse()) await release();
  }
}

function openSubject(
  label: string,
  description: SubjectDescription,
): { readonly subject: Subject; readonly release: () => Promise<void> } {
  if (description.kind === "process") {
    const process = new MeasuringProcess(description.command);
    return { subject: { label, server: null, process, command: null }, release: () => process.close() };
  }
  const server = new ServerClient(description.client);
  const { command } = description;
  return { subject: { label, server, process: null, command }, release: () => server.close() };
}

/** Starts the subject's server, if it has a command, and waits until it is healthy; answers how to stop it. */
async function bringUp({ label, server, command }: Subject, signal: AbortSignal): Promise<() => Promise<void>> {
  if (server === null) return () => Promise.resolve();
  if (command === null) {
    if (!(await isHealthy(server, signal))) throw new Error(`${label}: no server answers at ${server.baseUrl}.`);
    return () => Promise.resolve();
  }
  if (await isHealthy(server, signal)) {
    throw new Error(
      `${label}: a server already answers at ${server.baseUrl}; it would be measured in place of the command's.`,
    );
  }
  const peer = new PeerProcess(command);
  try {
    await peer.waitUntilHealthy(server, signal);
  } catch (error) {
    await peer.stop();
    throw error;
  }
  return () => peer.stop();
}

function describe(label: string, description: SubjectDescription): ReportedSubject {
  const { command } = description;
  if (description.kind === "process") return { label, what: command ?? "", model: null, command };
  const { url, model } = description.client;
  return { label, what: url, model, command };
}
