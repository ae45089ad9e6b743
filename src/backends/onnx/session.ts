// Opens a model's graphs, each on the device that is configured or found best for it, and keeps account of who is where and why. A
// fallback is never silent: it goes into the model's description, the health report and the log.
import type { DeviceDecision } from "../common/devices/device-memory.ts";
import type { BackendContext } from "../../domain/backend.ts";
import type { DeviceServices, DeviceUse, PartDevice } from "../../domain/device.ts";
import { ServerError } from "../../domain/errors.ts";
import { chooseProvider } from "./devices/choose-provider.ts";
import { recordRehearsal } from "./devices/rehearsal.ts";
import { DeviceSession, openWith, type GraphSession, type OpenOn } from "./graph-session.ts";

export interface GraphPart {
  /** For messages and the health report, e.g. `unet/model.onnx`. */
  readonly name: string;
  /** Changes with the graph and its weights. */
  readonly fingerprint: string;
  /** Runs the graph once, as its model does. Left out = the graph stays on the CPU unless a list of providers is configured. */
  readonly rehearse?: (session: GraphSession) => Promise<unknown>;
}

export interface SessionOpener {
  /** Where the graphs are that have been opened; `cpu` before the first one. */
  readonly use: DeviceUse;
  /** @throws ServerError `model_load_failed` where the graph opens with no provider, the CPU included */
  open(path: string, part: GraphPart): Promise<GraphSession>;
}

export interface SessionOpenerOptions {
  /** In order of preference, the CPU last if it is not named; those after it are never tried. `auto` stands alone. */
  readonly executionProviders: readonly string[];
  readonly threads: number;
  readonly context: Pick<BackendContext, "log" | "cacheDirectory" | "signal" | "devices">;
  /** A place for tests to stand in. @default the runtime */
  readonly openWith?: (path: string, threads: number) => OpenOn;
}

export function createSessionOpener(options: SessionOpenerOptions): SessionOpener {
  return new Opener(options);
}

class Opener implements SessionOpener {
  readonly #options: SessionOpenerOptions;
  readonly #isAutomatic: boolean;
  /** By part, also of those that have been released: a graph that is opened again goes where it was. */
  readonly #decisions = new Map<string, DeviceDecision>();
  /** The providers of a configured list that have not failed. */
  #candidates: readonly string[];
  /** The errors of the others. */
  readonly #givenUp: string[] = [];

  /** Why no GPU may be used although one is configured. */
  readonly #ban: string | undefined;

  constructor(options: SessionOpenerOptions) {
    this.#options = options;
    const { executionProviders, context } = options;
    this.#isAutomatic = executionProviders.includes("auto");
    const cpuAt = executionProviders.indexOf("cpu");
    const named = cpuAt < 0 ? executionProviders : executionProviders.slice(0, cpuAt);
    this.#ban = named.length === 0 ? undefined : banOf(context.devices, { isAutomatic: this.#isAutomatic });
    this.#candidates = this.#isAutomatic || this.#ban !== undefined ? ["cpu"] : [...named, "cpu"];
    if (this.#ban !== undefined) context.log("warn", "The model is kept on the CPU.", { reason: this.#ban });
  }

  get use(): DeviceUse {
    return summarize(this.#decisions, { givenUp: this.#givenUp, ban: this.#ban });
  }

  async open(path: string, part: GraphPart): Promise<GraphSession> {
    const { threads, context } = this.#options;
    const openOn = (this.#options.openWith ?? openWith)(path, threads);
    const chosen = this.#isAutomatic ? await this.#choose(path, part, openOn) : undefined;
    const providers = chosen === undefined || chosen.device === "cpu" ? this.#candidates : [chosen.device, "cpu"];
    const failures: string[] = [];
    for (const provider of providers) {
      if (provider !== "cpu") await context.devices?.tell(this.#withPart(part.name, provider));
      try {
        const session = await openOn(provider);
        this.#noteFailures(failures, { part: part.name, chosen, provider });
        if (failures.length > 0) await context.devices?.tell(this.use);
        const onFallback = (reason: string): void => this.#fallBack(part.name, { provider, reason });
        return new DeviceSession(session, provider === "cpu" ? undefined : { provider, openOn, onFallback });
      } catch (error) {
        failures.push(`${provider}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new ServerError("model_load_failed", `The graph ${path} cannot be opened: ${failures.join("; ")}`);
  }

  async #choose(path: string, part: GraphPart, openOn: OpenOn): Promise<DeviceDecision> {
    const { context, threads } = this.#options;
    const known = this.#decisions.get(part.name);
    if (known !== undefined) return known;
    const { rehearse } = part;
    if (rehearse === undefined || context.devices === undefined || this.#ban !== undefined) {
      return { device: "cpu", note: "", isFault: false };
    }
    const graph = {
      path,
      fingerprint: part.fingerprint,
      threads,
      rehearse: async () => {
        const session = new DeviceSession(await openOn("cpu"));
        try {
          return await recordRehearsal(session, rehearse);
        } finally {
          await session.release();
        }
      },
    };
    const decision = await chooseProvider(graph, context).catch((error: unknown): DeviceDecision => {
      context.signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      return { device: "cpu", note: `the run by which devices are compared fails: ${reason}`, isFault: true };
    });
    if (decision.note !== "") {
      const { device, note, isFault } = decision;
      context.log(isFault ? "warn" : "info", `${part.name} is computed on ${device}.`, { reason: note });
    }
    return decision;
  }

  /** Notes where a graph has been opened, and what failed before. */
  #noteFailures(
    failures: readonly string[],
    { part, chosen, provider }: { part: string; chosen: DeviceDecision | undefined; provider: string },
  ): void {
    const { log } = this.#options.context;
    if (chosen === undefined || failures.length === 0) {
      this.#decisions.set(part, chosen ?? { device: provider, note: "", isFault: false });
    } else {
      const decision = { device: "cpu", note: failures.join("; "), isFault: true };
      this.#decisions.set(part, decision);
      log("warn", `${part} is computed on cpu.`, { reason: decision.note });
    }
    if (this.#isAutomatic || failures.length === 0) return;
    this.#candidates = this.#candidates.slice(failures.length);
    this.#givenUp.push(...failures);
    log("warn", `${provider} is used because others failed: ${failures.join("; ")}`);
  }

  #fallBack(part: string, { provider, reason }: { provider: string; reason: string }): void {
    const { log, devices } = this.#options.context;
    const note = `${provider} failed in a run, which was repeated on the CPU: ${reason}`;
    this.#decisions.set(part, { device: "cpu", note, isFault: true });
    log("warn", `${part} is computed on cpu from now on.`, { reason: note });
    void devices?.tell(this.use);
  }

  /** What will be in use when that part is on that device. */
  #withPart(part: string, device: string): DeviceUse {
    const decisions = new Map(this.#decisions).set(part, { device, note: "", isFault: false });
    return summarize(decisions, { givenUp: this.#givenUp, ban: undefined });
  }
}

function banOf(devices: DeviceServices | undefined, { isAutomatic }: { isAutomatic: boolean }): string | undefined {
  if (devices?.fault !== undefined) return devices.fault;
  const isSwitchedOff = devices?.policy === "off" && !isAutomatic;
  return isSwitchedOff ? "GPUs are switched off for all models (runners.gpu)" : undefined;
}

function summarize(
  decisions: ReadonlyMap<string, DeviceDecision>,
  { givenUp, ban }: { readonly givenUp: readonly string[]; readonly ban: string | undefined },
): DeviceUse {
  // The CPU stands last.
  const isCpu = (device: string): number => (device === "cpu" ? 1 : 0);
  const devices = [...new Set([...decisions.values()].map(({ device }) => device))].toSorted(
    (a, b) => isCpu(a) - isCpu(b),
  );
  const device = devices.length === 0 ? "cpu" : devices.join("+");
  const deviceNote = [
    ...(ban === undefined ? [] : [`the CPU is used because ${ban}`]),
    ...(givenUp.length === 0 ? [] : [`${device} is used because others failed: ${givenUp.join("; ")}`]),
    ...[...decisions].flatMap(([part, decision]) =>
      decision.device === "cpu" && decision.note !== "" ? [`${part} is on the CPU: ${decision.note}`] : [],
    ),
  ].join("; ");
  const parts = [...decisions].map(([part, { device, adapter, note }]): PartDevice => ({
    part,
    device,
    ...(adapter === undefined ? {} : { adapter }),
    ...(note === "" ? {} : { note }),
  }));
  return {
    device,
    ...(deviceNote === "" ? {} : { deviceNote }),
    ...(parts.some(({ note }) => note !== undefined) || devices.length > 1 ? { deviceParts: parts } : {}),
  };
}
