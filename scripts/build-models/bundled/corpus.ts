// The text that all vocabularies are learned from; written for this project, next to this folder.

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The corpus, with line feeds however git checked it out. */
export function readCorpus(): string {
  return readFileSync(join(import.meta.dirname, "../corpus.txt"), "utf8").replaceAll("\r\n", "\n");
}
