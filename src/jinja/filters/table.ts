// All filters of jinja2, and transformers' `tojson`.
import type { Call } from "../values/value.ts";
import { markupFilters } from "./markup.ts";
import { numberFilters } from "./numbers.ts";
import { orderFilters } from "./order.ts";
import { printFilters } from "./pprint.ts";
import { selectFilters } from "./select.ts";
import { sequenceFilters } from "./sequences.ts";
import { textFilters } from "./text.ts";
import { urlFilters } from "./urls.ts";
import { wordFilters } from "./words.ts";

export const filters: ReadonlyMap<string, Call> = new Map([
  ...textFilters,
  ...wordFilters,
  ...printFilters,
  ...urlFilters,
  ...markupFilters,
  ...numberFilters,
  ...sequenceFilters,
  ...orderFilters,
  ...selectFilters,
]);
