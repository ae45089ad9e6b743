// Writes config/schema.json from the schema in src/config; `--check` compares the committed file with it instead.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { toConfigurationJsonSchema } from "../src/config/schema/json-schema.ts";

const file = resolve(import.meta.dirname, "../config/schema.json");
const text = `${JSON.stringify(toConfigurationJsonSchema(), null, 2)}\n`;

if (process.argv.includes("--check")) {
  if (readFileSync(file, "utf8") !== text) {
    console.error("config/schema.json is out of date: run `npx tsx scripts/config-schema.ts`.");
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, text);
}
