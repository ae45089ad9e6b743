// How every command reads the configuration: models may be named by what was pulled and found on this machine.
import type { LoadOptions } from "../../config/inspect-configuration.ts";
import { createModelLocator } from "../../hub/discover/model-locator.ts";
import type { CommandContext } from "../command.ts";

export function configurationOptions({
  flags,
  environment,
  cwd,
}: Pick<CommandContext, "flags" | "environment" | "cwd">): LoadOptions {
  return { flags, environment, cwd, createLocator: (places) => createModelLocator(places, environment) };
}
