// What one rendering may use. A template is a stranger's program: whatever it asks for, it neither hangs the process nor fills its
// memory. Every operation pays for its work before doing it, so that a string of a billion characters is refused and not begun.
import { TemplateRuntimeError } from "./errors.ts";

export interface RenderLimits {
  /** Steps of the program: statements, calls, items made; eight characters made count as one step. Bounds memory too. */
  readonly steps: number;
  /** Characters (UTF-16 units) of the output. */
  readonly output: number;
  /** Characters (UTF-16 units) of one string on the way. */
  readonly text: number;
  /** Items of one list on the way. */
  readonly items: number;
  /** Calls within calls, and values within values that are printed or compared. */
  readonly depth: number;
  /** Bits of one integer. */
  readonly bits: number;
  /** Milliseconds by the clock that is given; nothing is measured without one. */
  readonly milliseconds: number;
}

/** Far above what published templates need for long conversations: those stay below 2 million steps for 500 messages. */
export const defaultLimits: RenderLimits = {
  steps: 20_000_000,
  output: 16_000_000,
  text: 8_000_000,
  items: 1_000_000,
  depth: 200,
  bits: 65_536,
  milliseconds: 5_000,
};

/** Steps between two looks at the clock. */
const stepsPerLook = 4_096;

/** What is left of the limits during one rendering. */
export class Budget {
  readonly limits: RenderLimits;
  #steps: number;
  #nextLook: number;
  #depth = 0;
  readonly #clock: (() => number) | undefined;
  readonly #deadline: number;

  constructor(limits: RenderLimits, clock?: () => number) {
    this.limits = limits;
    this.#steps = limits.steps;
    this.#nextLook = Math.max(0, limits.steps - stepsPerLook);
    this.#clock = clock;
    this.#deadline = clock === undefined ? Infinity : clock() + limits.milliseconds;
  }

  /** Pays for work. */
  steps(count: number): void {
    this.#steps -= count;
    if (this.#steps > this.#nextLook) return;
    if (!(this.#steps >= 0)) throw exceeded("steps", this.limits.steps);
    this.#nextLook = Math.max(0, this.#steps - stepsPerLook);
    if (this.#clock !== undefined && this.#clock() > this.#deadline)
      throw exceeded("milliseconds", this.limits.milliseconds);
  }

  /** Pays for a string of that many characters, before it is made. */
  text(length: number): void {
    if (!(length <= this.limits.text)) throw exceeded("text", this.limits.text);
    this.steps(length / 8);
  }

  /** Pays for `more` characters that are put behind `length` others. */
  joined(length: number, more: number): void {
    if (!(length + more <= this.limits.text)) throw exceeded("text", this.limits.text);
    this.steps(0.25 + more / 8);
  }

  /** Pays for a list of that many items, before it is made. */
  items(count: number): void {
    if (!(count <= this.limits.items)) throw exceeded("items", this.limits.items);
    this.steps(count);
  }

  integer(bits: number): void {
    if (!(bits <= this.limits.bits)) throw exceeded("bits", this.limits.bits);
    this.steps(bits / 64);
  }

  /** Pays for `more` characters of output behind `length` others. */
  output(length: number, more: number): void {
    if (!(length + more <= this.limits.output)) throw exceeded("output", this.limits.output);
    this.steps(0.25 + more / 8);
  }

  /** Runs `work` one level deeper. */
  deeper<T>(work: () => T): T {
    if (this.#depth >= this.limits.depth) throw exceeded("depth", this.limits.depth);
    this.#depth += 1;
    try {
      return work();
    } finally {
      this.#depth -= 1;
    }
  }
}

/** The error of a limit of {@link RenderLimits}. */
export function exceeded(limit: keyof RenderLimits, most: number): TemplateRuntimeError {
  return new TemplateRuntimeError("limit", limit, `The template exceeds its limit of ${most} ${limit}.`);
}
