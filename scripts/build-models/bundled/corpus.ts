// Reads the text from which all vocabularies are learned, `scripts/fixtures/corpus.txt`; it was written for this project.

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The corpus, with line feeds even where git checked it out with others. */
export function readCorpus(): string {
  return readFileSync(join(import.meta.dirname, "../../fixtures/corpus.txt"), "utf8").replaceAll("\r\n", "\n");
}
