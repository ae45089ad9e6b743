// Finds npm as a program that can be started without a shell.
import { dirname, join } from "node:path";

/**
 * Program and leading arguments. Under `npm test` it is the npm that runs the tests, by its script: on Windows `npm` is a
 * batch file, which Node starts only through a shell.
 */
export const npmCommand: readonly [program: string, ...leading: string[]] = npmScript();

function npmScript(): readonly [string, ...string[]] {
  const script = process.env["npm_execpath"] ?? "";
  // npx is npm by another script beside it.
  return /np[mx]-cli\.js$/.test(script) ? [process.execPath, join(dirname(script), "npm-cli.js")] : ["npm"];
}
