// `hearth check-config`: checks the configuration and prints it as it is after all layers, without keys and passwords.
import { explainConfiguration } from "../../config/explain-configuration.ts";
import { inspectConfiguration } from "../../config/inspect-configuration.ts";
import { toConfiguration } from "../../config/load-configuration.ts";
import type { CommandContext } from "../command.ts";
import { configurationOptions } from "../arguments/configuration-options.ts";

export function runCheckConfig(context: CommandContext): Promise<number> {
  const { terminal } = context;
  const options = configurationOptions(context);
  const inspection = inspectConfiguration(options);
  const configuration = toConfiguration(inspection, options);
  for (const warning of inspection.warnings) terminal.warn(`Warning: ${warning}`);
  terminal.print(explainConfiguration(inspection, configuration).trimEnd());
  return Promise.resolve(0);
}
