// Python's `Markup`: strings that are taken as escaped. Chat templates are rendered without automatic escaping, so these come from the
// filters `safe`, `escape` and `forceescape` alone.
import { toText } from "./repr.ts";
import { isMarkup, isText, mapRuns, plain, withMarkup, type PyString } from "./text/text.ts";
import type { Run, Value } from "./value.ts";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

/** The value as `Markup`: as it is where it is one, else its text with `& < > ' "` escaped. */
export function escaped(run: Run, value: Value): PyString {
  if (isText(value) && isMarkup(value)) return value;
  const text = toText(run, value);
  run.budget.text(plain(text).length);
  return withMarkup(
    mapRuns(text, (part) => part.replace(/[&<>'"]/g, (character) => entities[character] as string)),
    true,
  );
}
