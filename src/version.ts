// The version of this package, read once from package.json.
import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };

/** Semantic version of Hearth. */
export const version: string = manifest.version;
