// The four spellings of a text input: a string, strings, token ids, or lists of token ids.
import type { z } from "zod";
import type { CompletionPrompt } from "../../domain/completion.ts";
import { inspected, missingProblem, typeProblem, valueProblem, type Problem } from "./common.ts";

/** One text, texts, one text as token ids, or texts as token ids. */
export type TextInput = string | string[] | number[] | number[][];

export interface TextInputRules {
  /** Largest number of entries in an outer list. */
  readonly maxEntries: number;
  readonly allowEmptyText: boolean;
}

/** The schema of a text input, checked in one pass that stops at the first fault. */
export function textInput(rules: TextInputRules, description: string): z.ZodType<TextInput> {
  const text = rules.allowEmptyText ? { type: "string" } : { type: "string", minLength: 1 };
  const ids = { type: "array", minItems: 1, items: { type: "integer", minimum: 0 } };
  return inspected<TextInput>((value) => inspectTextInput(value, rules), {
    anyOf: [
      text,
      { type: "array", minItems: 1, maxItems: rules.maxEntries, items: text },
      ids,
      { type: "array", minItems: 1, maxItems: rules.maxEntries, items: ids },
    ],
    description,
  });
}

function inspectTextInput(value: unknown, rules: TextInputRules): Problem | null {
  if (value === undefined || value === null) return missingProblem();
  if (typeof value === "string") {
    return value === "" && !rules.allowEmptyText ? valueProblem("an empty string has nothing to work on.") : null;
  }
  if (!Array.isArray(value)) {
    return typeProblem("one of a string, array of strings, array of token ids, or array of token id arrays", value);
  }
  if (value.length === 0) {
    return valueProblem("empty array. Expected an array with minimum length 1, but got an empty array instead.");
  }
  const list: readonly unknown[] = value;
  if (typeof list[0] === "number") return inspectTokenIds(list, []);
  if (list.length > rules.maxEntries) {
    return valueProblem(
      `array too long. Expected an array with maximum length ${rules.maxEntries}, but got an array with length ${list.length} instead.`,
    );
  }
  const ofTexts = typeof list[0] === "string";
  for (const [index, entry] of list.entries()) {
    if (ofTexts) {
      if (typeof entry !== "string") return typeProblem("a string, like the entries before it", entry, [index]);
      if (entry === "" && !rules.allowEmptyText) {
        return valueProblem("an empty string has nothing to work on.", list.length === 1 ? [] : [index]);
      }
      continue;
    }
    if (!Array.isArray(entry)) {
      const expected = index === 0 ? "a string, an integer, or an array of token ids" : "an array of token ids";
      return typeProblem(expected, entry, [index]);
    }
    if (entry.length === 0) {
      return valueProblem(
        "empty array. Expected an array with minimum length 1, but got an empty array instead.",
        list.length === 1 ? [] : [index],
      );
    }
    const problem = inspectTokenIds(entry, [index]);
    if (problem !== null) return problem;
  }
  return null;
}

function inspectTokenIds(ids: readonly unknown[], path: readonly number[]): Problem | null {
  for (let index = 0; index < ids.length; index += 1) {
    const id = ids[index];
    if (typeof id !== "number" || !Number.isInteger(id)) return typeProblem("an integer", id, [...path, index]);
    if (id < 0 || id > 0x7fff_ffff) {
      return valueProblem(`${id} is not a token id. Expected an integer from 0 to 2147483647.`, [...path, index]);
    }
  }
  return null;
}

/** The inputs as a list, whatever the spelling. */
export function toTextInputs(input: TextInput): readonly CompletionPrompt[] {
  if (typeof input === "string") return [input];
  const [first] = input;
  return typeof first === "number" ? [input as number[]] : (input as string[] | number[][]);
}
