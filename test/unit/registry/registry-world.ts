// A model of everything around a registry under test, kept without asking the registry: the models alive, the callers that wait and their
// leases. It notes where the registry's behaviour or events disagree with it.
import { isDeepStrictEqual } from "node:util";
import type { ModelEvent } from "../../../src/domain/model-events.ts";
import { createModelStates } from "../../../src/registry/model-states.ts";
import type { Lease } from "../../../src/registry/registry.ts";
import { createTestRegistry, settle, type TestLoad, type TestModel } from "./registry-under-test.ts";

/** An action of a caller, a loader or time. `pick` chooses among the candidates. */
export type Step =
  | { readonly type: "acquire" | "unload"; readonly model: string }
  | { readonly type: "load succeeds"; readonly pick: number; readonly bytes: number }
  | { readonly type: "load fails" | "caller leaves" | "disposal ends" | "crash"; readonly pick: number }
  | { readonly type: "release"; readonly pick: number; readonly ttlMs: number | null }
  | { readonly type: "release again"; readonly pick: number }
  | { readonly type: "time passes"; readonly byMs: number }
  | { readonly type: "close" };

const budgetBytes = 100;
export const models: readonly TestModel[] = [
  { id: "a", bytes: 30, ttlMs: 20 },
  { id: "b", bytes: 50, ttlMs: 7 },
  { id: "c", bytes: 60 },
  { id: "pinned", bytes: 25, pinned: true },
  { id: "too large", bytes: 101 },
];
const reserved = new Map(models.map(({ id, bytes = 0 }) => [id, bytes]));
const pinned = new Set(models.filter((model) => model.pinned === true).map(({ id }) => id));

interface Living {
  readonly load: TestLoad;
  bytes: number;
  status: "loading" | "ready";
}

interface Held {
  readonly lease: Lease;
  readonly load: TestLoad;
}

interface Caller {
  readonly model: string;
  readonly abort: AbortController;
  answer: "none" | "lease" | "error";
}

export class World {
  /** Descriptions of all disagreements. */
  readonly violations: string[] = [];
  readonly #test = createTestRegistry({ models, budgetBytes, disposal: "by-hand" });
  readonly #states = createModelStates([...reserved.keys()]);
  readonly #callers: Caller[] = [];
  readonly #returned: Lease[] = [];
  #living: Living[] = [];
  #leases: Held[] = [];
  #seenLoads = 0;
  /** Callers who asked for an unload that is not over. */
  #unloads = 0;
  #closing: Promise<void> | undefined;

  constructor() {
    this.#test.registry.subscribe((event) => {
      this.#states.apply(event);
      this.#check(event);
    });
  }

  async take(action: Step): Promise<void> {
    this.#act(action);
    await this.#settle();
    this.#compare();
  }

  /** Ends everything that is under way, closes the registry and checks that no caller, model or timer is left. */
  async finish(): Promise<void> {
    const isBusy = (): boolean => this.#waiting().length + this.#leases.length + this.#draining().length > 0;
    for (let round = 0; round < 40 && isBusy(); round += 1) {
      for (const { load } of this.#living.filter(({ status }) => status === "loading")) this.#succeed(load, 1);
      await this.#settle();
      for (const held of this.#leases) this.#release(held, {});
      await this.#settle();
      for (const { load } of this.#draining()) this.#end(load, "exit code 0");
      await this.#settle();
      this.#compare();
    }
    this.#note(this.#waiting().length === 0, "somebody was never answered");
    for (const load of this.#loading()) this.#succeed(load, 1);
    await this.#settle();
    this.#closing ??= this.#test.registry.close();
    for (const { load } of this.#draining()) this.#end(load, "exit code 0");
    await this.#closing;
    await this.#settle();
    this.#note(this.#living.length === 0, "a model outlived the registry");
    this.#note(this.#unloads === 0, "somebody who asked for an unload was never answered");
    this.#note(this.#test.faults.length === 0, `a listener failed: ${String(this.#test.faults[0])}`);
    this.#note(this.#test.clock.pending().length === 0, "a timer outlived the registry");
    this.#compare();
    this.#comparePairs();
  }

  #act(action: Step): void {
    switch (action.type) {
      case "acquire":
        this.#acquire(action.model);
        return;
      case "load succeeds": {
        const load = choose(this.#loading(), action.pick);
        if (load !== undefined) this.#succeed(load, action.bytes);
        return;
      }
      case "load fails":
        choose(this.#loading(), action.pick)?.fail(new Error("the load failed"));
        return;
      case "release": {
        const held = choose(this.#leases, action.pick);
        if (held !== undefined) this.#release(held, action.ttlMs === null ? {} : { ttlMs: action.ttlMs });
        return;
      }
      case "release again":
        choose(this.#returned, action.pick)?.release();
        return;
      case "caller leaves":
        choose(this.#waiting(), action.pick)?.abort.abort(new Error("the caller left"));
        return;
      case "disposal ends": {
        const draining = choose(this.#draining(), action.pick);
        if (draining !== undefined) this.#end(draining.load, "exit code 0");
        return;
      }
      case "crash": {
        const living = choose(
          this.#living.filter(({ status }) => status === "ready"),
          action.pick,
        );
        if (living !== undefined) this.#end(living.load, "SIGKILL");
        return;
      }
      case "time passes":
        this.#test.clock.advance(action.byMs);
        return;
      case "unload":
        this.#unload(action.model);
        return;
      case "close":
        this.#closing ??= this.#test.registry.close();
        return;
    }
  }

  #acquire(model: string): void {
    const caller: Caller = { model, abort: new AbortController(), answer: "none" };
    this.#callers.push(caller);
    this.#test.registry.acquire(model, caller.abort.signal).then(
      (lease) => {
        caller.answer = "lease";
        const { load } = this.#living.find((living) => living.load.id === model) as Living;
        this.#leases.push({ lease, load });
      },
      () => {
        caller.answer = "error";
      },
    );
  }

  #unload(model: string): void {
    this.#unloads += 1;
    void this.#test.registry.unload(model, new AbortController().signal).then(() => {
      this.#unloads -= 1;
    });
  }

  #succeed(load: TestLoad, bytes: number): void {
    const living = this.#living.find((other) => other.load === load) as Living;
    living.status = "ready";
    living.bytes = bytes;
    load.succeed({ residentBytes: bytes, memoryBytes: Math.floor(bytes / 2) });
  }

  #release(held: Held, options: { ttlMs?: number }): void {
    this.#leases = this.#leases.filter((other) => other !== held);
    this.#returned.push(held.lease);
    held.lease.release(options);
  }

  #end(load: TestLoad, exit: string): void {
    this.#living = this.#living.filter((living) => living.load !== load);
    this.#leases = this.#leases.filter((held) => held.load !== load);
    load.end(exit);
    load.finishDispose();
  }

  #loading(): TestLoad[] {
    return this.#living.filter(({ status }) => status === "loading").map(({ load }) => load);
  }

  #draining(): Living[] {
    return this.#living.filter(({ load }) => load.disposals() > 0);
  }

  #waiting(): Caller[] {
    return this.#callers.filter(({ answer }) => answer === "none");
  }

  async #settle(): Promise<void> {
    await settle();
    await settle();
  }

  /** Checks what must hold in the turn of an event. */
  #check(event: ModelEvent): void {
    if (event.type === "load-begun") {
      // Its loader is called in the same turn, after the event.
      const isAlone = this.#living.every(({ load }) => load.id !== event.model);
      this.#note(isAlone, `a second instance of '${event.model}' was loaded`);
      const countedBytes = sum(this.#states.all().map(({ bytes }) => bytes));
      this.#note(countedBytes <= budgetBytes, `a load went over the budget: ${countedBytes} bytes`);
      queueMicrotask(() => this.#adoptLoads());
    }
    if (event.type === "load-failed") {
      this.#living = this.#living.filter(({ load }) => load.id !== event.model);
    }
    if (event.type === "unload-begun" && event.reason.type !== "shutdown") {
      const isIdle = this.#leases.every(({ load }) => load.id !== event.model);
      this.#note(isIdle, `'${event.model}' had to leave while it was used (${event.reason.type})`);
      const isEviction = event.reason.type === "evicted";
      this.#note(!isEviction || !pinned.has(event.model), `'${event.model}' is pinned and was evicted`);
    }
  }

  #adoptLoads(): void {
    for (const load of this.#test.loads.slice(this.#seenLoads)) {
      this.#living.push({ load, bytes: reserved.get(load.id) as number, status: "loading" });
    }
    this.#seenLoads = this.#test.loads.length;
  }

  /** Checks that the states made from events equal the actual ones. To be called when no promise is under way. */
  #compare(): void {
    const told = this.#states.all().map(({ id, status, bytes, leases, waiting }) => ({
      id,
      instances: status === "absent" ? 0 : 1,
      bytes,
      leases,
      waiting,
    }));
    const actual = [...reserved.keys()].map((id) => {
      const living = this.#living.filter(({ load }) => load.id === id);
      return {
        id,
        instances: living.length,
        bytes: sum(living.map(({ bytes }) => bytes)),
        leases: this.#leases.filter(({ load }) => load.id === id).length,
        waiting: this.#waiting().filter(({ model }) => model === id).length,
      };
    });
    if (isDeepStrictEqual(told, actual)) return;
    this.violations.push(`told: ${JSON.stringify(told)}, actual: ${JSON.stringify(actual)}`);
  }

  /** Checks that each load has one outcome and each model that was ready one end. */
  #comparePairs(): void {
    const count = (...types: ModelEvent["type"][]): number =>
      this.#test.events.filter(({ type }) => types.includes(type)).length;
    this.#note(count("load-begun") === this.#test.loads.length, "a load was told of that was none, or the reverse");
    this.#note(count("ready", "load-failed") === count("load-begun"), "a load has not one outcome");
    this.#note(count("unloaded", "crashed") === count("ready"), "a model that was ready has not one end");
  }

  #note(isTrue: boolean, violation: string): void {
    if (!isTrue) this.violations.push(violation);
  }
}

function choose<T>(from: readonly T[], index: number): T | undefined {
  return from.length === 0 ? undefined : from[index % from.length];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
