// The list of subcommands.
import { benchCommands } from "./bench/bench-flags.ts";
import type { Subcommand } from "./command.ts";
import { forgetFlag } from "./arguments/doctor-flags.ts";
import { configurationFlags, hubFlags, sourceFlags } from "./arguments/configuration-flags.ts";
import { modelCommands } from "./models/model-commands.ts";

/** Runs when the command line names no other. */
export const defaultName = "serve";

export const subcommands: Readonly<Record<string, Subcommand>> = {
  [defaultName]: {
    summary: "Start the server (the default).",
    flags: configurationFlags,
    load: async () => (await import("./serve.ts")).runServe,
  },
  "check-config": {
    summary: "Check the configuration and print what it amounts to.",
    flags: configurationFlags,
    load: async () => (await import("./inspect/check-config.ts")).runCheckConfig,
  },
  models: {
    summary: "List the configured models and whether their files are in place.",
    flags: [...sourceFlags, ...hubFlags.filter(({ flag }) => flag !== "config")],
    load: async () => (await import("./models/models.ts")).runModels,
  },
  doctor: {
    summary: "Look for GPUs, try them, and say where each model is computed and why.",
    flags: [forgetFlag, ...configurationFlags],
    load: async () => (await import("./inspect/doctor.ts")).runDoctor,
  },
  ...modelCommands,
  bench: {
    summary: "Measure any OpenAI-compatible server, or two of them in turn.",
    flags: [],
    commands: benchCommands,
  },
};
