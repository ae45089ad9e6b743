// One graph opened on one device. A session on a GPU goes over to the CPU when the GPU fails in a run or gives values that are no
// result, and repeats that run there: the caller gets its values in either case.
import { InferenceSession, type Tensor } from "./runtime.ts";
import { suspicionOf } from "./results.ts";

export type Feeds = Readonly<Record<string, Tensor>>;

export interface GraphSession extends Pick<
  InferenceSession,
  "inputNames" | "outputNames" | "inputMetadata" | "outputMetadata"
> {
  /** The execution provider in use. */
  readonly device: string;
  run(feeds: Feeds, fetches: readonly string[]): Promise<Feeds>;
  /** Runs `work`, in which a failure is the caller's to judge: it is passed on, and the device keeps its good name. */
  attempt<T>(work: () => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

/** What of the runtime's session is used, so that a test can stand between. */
export type RuntimeSession = Pick<
  InferenceSession,
  "inputNames" | "outputNames" | "inputMetadata" | "outputMetadata" | "run" | "release"
>;

/** @throws Error as the runtime words it */
export type OpenOn = (provider: string) => Promise<RuntimeSession>;

export function openWith(path: string, threads: number): OpenOn {
  return (provider) => InferenceSession.create(path, sessionOptions(provider, threads));
}

interface GpuOptions {
  /** The execution provider that the session was opened with. */
  readonly provider: string;
  /** Opens the same graph elsewhere. */
  readonly openOn: OpenOn;
  /** Told once, when the session has gone over to the CPU. */
  readonly onFallback: (reason: string) => void;
}

export class DeviceSession implements GraphSession {
  readonly #gpu: GpuOptions | undefined;
  #session: RuntimeSession;
  #device: string;
  #isAttempt = false;

  /** `gpu` is left out for a session on the CPU. */
  constructor(session: RuntimeSession, gpu?: GpuOptions) {
    this.#session = session;
    this.#gpu = gpu;
    this.#device = gpu?.provider ?? "cpu";
  }

  get device(): string {
    return this.#device;
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  get inputMetadata(): InferenceSession["inputMetadata"] {
    return this.#session.inputMetadata;
  }

  get outputMetadata(): InferenceSession["outputMetadata"] {
    return this.#session.outputMetadata;
  }

  async run(feeds: Feeds, fetches: readonly string[]): Promise<Feeds> {
    const gpu = this.#device === "cpu" || this.#isAttempt ? undefined : this.#gpu;
    if (gpu === undefined) return await runOn(this.#session, feeds, fetches);
    let results: Feeds | undefined;
    let failure: unknown;
    try {
      results = await runOn(this.#session, feeds, fetches);
      failure = suspicionOf(results);
      if (failure === undefined) return results;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    return await this.#repeatOnCpu(feeds, { fetches, results, failure: String(failure), gpu });
  }

  async attempt<T>(work: () => Promise<T>): Promise<T> {
    this.#isAttempt = true;
    try {
      return await work();
    } finally {
      this.#isAttempt = false;
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #repeatOnCpu(
    feeds: Feeds,
    {
      fetches,
      results,
      failure,
      gpu,
    }: { fetches: readonly string[]; results: Feeds | undefined; failure: string; gpu: GpuOptions },
  ): Promise<Feeds> {
    const cpu = await gpu.openOn("cpu").catch((error: unknown) => {
      throw new Error(`${gpu.provider} failed (${failure}), and the CPU cannot take its place`, { cause: error });
    });
    let repeated: Feeds;
    try {
      repeated = await runOn(cpu, feeds, fetches);
    } catch (error) {
      // The CPU refuses them too, so the feeds are at fault.
      await cpu.release();
      throw error;
    }
    if (results !== undefined && suspicionOf(repeated) !== undefined) {
      // The CPU gives no numbers either, so the model is at fault.
      await cpu.release();
      return results;
    }
    const failed = this.#session;
    this.#session = cpu;
    this.#device = "cpu";
    gpu.onFallback(failure);
    // Frees the GPU's memory where it still can be freed.
    await failed.release().catch(() => {});
    return repeated;
  }
}

async function runOn(session: RuntimeSession, feeds: Feeds, fetches: readonly string[]): Promise<Feeds> {
  return await session.run(feeds, [...fetches]);
}

function sessionOptions(provider: string, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // The runtime would keep a memory plan for every shape it has seen, and texts come in hundreds of shapes. For a picture the plan
    // comes on top of what the first run took: 2.5 GB in place of 1.4 GB for a batch of two at 512x512, and no faster.
    enableMemPattern: false,
    // Only fatal: errors are thrown with their text, and an operator can do nothing with what the runtime prints besides.
    logSeverityLevel: 4,
    // Threads that spin between runs would take cores from tokenising, from writing pictures, from the server and other runners.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
}
