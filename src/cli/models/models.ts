// `hearth models`: lists the configured models with their kinds, and what is wrong with each.
import { inspectConfiguration, type InspectedModel } from "../../config/inspect-configuration.ts";
import { configurationOptions } from "../arguments/configuration-options.ts";
import { formatOrigin } from "../../config/problems/problems.ts";
import type { CommandContext } from "../command.ts";
import { exitCodes } from "../failures.ts";
import { formatTable } from "../terminal.ts";

export function runModels(context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { models, file, problems } = inspectConfiguration(configurationOptions(context));
  const { palette } = terminal;
  if (models.length === 0) terminal.print(`No models are configured in ${file}.`);
  else {
    const [header = "", ...rows] = formatTable([["NAME", "KIND", "SERVES", "PATH"], ...models.map(toRow)]);
    terminal.print(`     ${palette.strong(header)}`);
    for (const [index, row] of rows.entries()) {
      const { model, problems: own = [] } = models[index] ?? {};
      terminal.print(`${model == null ? palette.bad("bad  ") : palette.good("ok   ")}${row}`);
      for (const { path, message, origin } of own)
        terminal.print(`       ${path} ${message} (${formatOrigin(origin)})`);
    }
  }
  const others = problems.filter((problem) => !models.some((model) => model.problems.includes(problem)));
  if (others.length > 0) {
    terminal.warn(`The configuration has further mistakes: see hearth check-config (${others.length}).`);
  }
  return Promise.resolve(problems.length > 0 ? exitCodes.configuration : 0);
}

function toRow({ id, entry, model }: InspectedModel): string[] {
  const written = typeof entry["path"] === "string" ? entry["path"] : "-";
  return model === null ? [id, "?", "?", written] : [id, model.kind, model.purpose, model.path];
}
