// How much of a schema must hold. A strict one holds altogether or is refused; of one that is not strict, each keyword that no grammar
// can hold is waived at its place, with a note, and every value that is valid for the schema stays possible.
import { SchemaNotEnforceableError } from "../../gbnf/grammar-error.ts";

/** A keyword at one place of a schema that the grammar does not enforce. */
export interface SchemaNote {
  readonly keyword: string;
  /** JSON pointer to the schema object that holds the keyword. */
  readonly path: string;
  /** Why, as the end of a sentence, without a full stop. */
  readonly reason: string;
}

/** Keywords whose meaning depends on one that is waived, so that to keep them would refuse valid values. */
const DEPENDENTS: Readonly<Record<string, readonly string[]>> = {
  properties: ["additionalProperties"],
  patternProperties: ["additionalProperties"],
  prefixItems: ["items"],
  items: ["additionalItems"],
  if: ["then", "else"],
};

/** Keywords that say which other properties an object has: without them it may have any. */
const OPENING = new Set([
  "properties",
  "patternProperties",
  "additionalProperties",
  "dependencies",
  "dependentSchemas",
  "if",
]);

/** Keywords that evaluate properties: without them nobody can tell which ones `unevaluatedProperties` concerns. */
const EVALUATING = new Set([...OPENING, "$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf"]);

/** Keywords that leave no value at all where they contradict. */
const EMPTYING = new Set(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "not", "false"]);

/** Stands for the whole schema at a place, which then allows every value. */
const WHOLE = "";

const MAX_ATTEMPTS = 100;

/** What is waived of one schema document. */
export class Enforcement {
  readonly isStrict: boolean;
  readonly #waived = new Map<string, Map<string, SchemaNote>>();
  readonly #annotations = new Map<string, SchemaNote>();
  #count = 0;
  #hidesProperties = false;

  constructor({ strict }: { readonly strict: boolean }) {
    this.isStrict = strict;
  }

  get notes(): readonly SchemaNote[] {
    const waived = [...this.#waived.values()].flatMap((keywords) => [...keywords.values()]);
    return [...new Set([...waived, ...this.#annotations.values()])];
  }

  /** Grows with every keyword that is waived. */
  get count(): number {
    return this.#count;
  }

  isWaived(path: string, keyword: string): boolean {
    return this.#count > 0 && this.#waived.get(path)?.has(keyword) === true;
  }

  isWholeWaived(path: string): boolean {
    return this.isWaived(path, WHOLE);
  }

  /** True where a waived keyword would have said which properties an object may have. */
  isOpened(path: string): boolean {
    const keywords = this.#count === 0 ? undefined : this.#waived.get(path);
    return keywords !== undefined && [...OPENING].some((keyword) => keywords.has(keyword));
  }

  /** True where a waived keyword might have evaluated properties. */
  get hidesProperties(): boolean {
    return this.#hidesProperties;
  }

  /**
   * Waives a keyword; where it is waived already and its place is at fault all the same, the whole schema there. False where that
   * has been done too.
   */
  waive(note: SchemaNote): boolean {
    let keywords = this.#waived.get(note.path);
    if (keywords === undefined) this.#waived.set(note.path, (keywords = new Map()));
    if (keywords.has(note.keyword)) return this.waiveWhole(note);
    if (keywords.has(WHOLE)) return false;
    this.#count += 1;
    if (EVALUATING.has(note.keyword)) this.#hidesProperties = true;
    keywords.set(note.keyword, note);
    for (const dependent of DEPENDENTS[note.keyword] ?? []) if (!keywords.has(dependent)) keywords.set(dependent, note);
    return true;
  }

  /** Waives a whole schema. */
  waiveWhole(note: SchemaNote): boolean {
    const { path } = note;
    if (this.isWholeWaived(path)) return false;
    this.#count += 1;
    this.#hidesProperties = true;
    this.#waived.set(path, (this.#waived.get(path) ?? new Map<string, SchemaNote>()).set(WHOLE, note));
    return true;
  }

  /** Notes a keyword that is an annotation even in a strict schema. */
  annotate(note: SchemaNote): void {
    this.#annotations.set(`${note.path} ${note.keyword}`, note);
  }
}

/** One schema of a grammar: `path` is where it stands, the beginning of the paths in its errors. */
export interface EnforcedSchema {
  readonly path: string;
  readonly enforcement: Enforcement;
}

/**
 * Makes a grammar of schemas, of which those that are not strict lose one keyword after another until it can be made.
 * `isCombined`: every schema can be enforced by itself, so that a strict one is at fault only beside the others.
 * @throws SchemaNotEnforceableError for what a strict schema asks for, and where nothing is left to waive
 */
export function enforced<T>(
  schemas: readonly EnforcedSchema[],
  { attempt, isCombined = false }: { readonly attempt: () => T; readonly isCombined?: boolean },
): T {
  const total = (): number => schemas.reduce((sum, { enforcement }) => sum + enforcement.count, 0);
  for (let attempts = 1; ; attempts += 1) {
    const before = total();
    try {
      const result = attempt();
      // What was waived on the way may matter to what had been written by then.
      if (total() === before) return result;
    } catch (error) {
      if (!(error instanceof SchemaNotEnforceableError)) throw error;
      const { keyword, path, reason } = error;
      if (isMistake(error, schemas)) throw error;
      const own = schemas.find((one) => path === one.path || path.startsWith(`${one.path}/`));
      const isOwn = own !== undefined && !own.enforcement.isStrict;
      const wasWaived =
        isOwn && attempts < MAX_ATTEMPTS
          ? own.enforcement.waive({ keyword, path, reason })
          : (isOwn || isCombined) && waiveOneOf(isOwn ? [own] : schemas, error);
      if (!wasWaived) throw error;
    }
  }
}

/** At the root no value is left; at another place there may be the values without it. */
function isMistake({ fault, keyword, path }: SchemaNotEnforceableError, schemas: readonly EnforcedSchema[]): boolean {
  if (fault === "malformed") return true;
  return fault === "contradiction" && EMPTYING.has(keyword) && schemas.some((schema) => schema.path === path);
}

/**
 * {@link enforced} for schemas that make one grammar: `attempt` makes it of those at the indexes. Each is tried alone before one of
 * them is waived for the sake of all.
 */
export function enforcedTogether<T>(schemas: readonly EnforcedSchema[], attempt: (indexes: readonly number[]) => T): T {
  const all = [...schemas.keys()];
  const isStrict = schemas.every(({ enforcement }) => enforcement.isStrict);
  if (!isStrict && schemas.length > 1) {
    for (const [index, schema] of schemas.entries()) enforced([schema], { attempt: () => attempt([index]) });
  }
  return enforced(schemas, { attempt: () => attempt(all), isCombined: !isStrict && schemas.length > 1 });
}

function waiveOneOf(schemas: readonly EnforcedSchema[], { keyword, reason }: SchemaNote): boolean {
  return schemas.some(
    ({ path, enforcement }) => !enforcement.isStrict && enforcement.waiveWhole({ keyword, path, reason }),
  );
}
