#!/usr/bin/env node
// The executable entry of the command `hearth`.
import * as nodeModule from "node:module";
import { processTerminal } from "./cli/terminal.ts";

// Node 22.1 and later keep compiled modules between starts, when asked before anything large is imported.
(nodeModule as { readonly enableCompileCache?: () => unknown }).enableCompileCache?.();

const { runProgram } = await import("./cli/program.ts");
const context = { environment: process.env, cwd: process.cwd(), terminal: processTerminal() };
process.exit(await runProgram(process.argv.slice(2), context));
