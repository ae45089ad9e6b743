// What the commands about models need of the configuration: its section `hub`.
import { inspectConfiguration } from "../../config/inspect-configuration.ts";
import { ConfigurationError } from "../../config/problems/problems.ts";
import type { ModelPlaces } from "../../domain/hub/model-locator.ts";
import type { CommandContext } from "../command.ts";

/**
 * The places of models. What is wrong with the configured models does not matter here: fetching one that is missing may be the remedy.
 * @throws ConfigurationError where the file or a section of it is wrong
 */
export function readModelPlaces({ flags, environment, cwd }: CommandContext): ModelPlaces {
  const { places, problems } = inspectConfiguration({ flags, environment, cwd });
  if (places !== null) return places;
  throw new ConfigurationError(problems.filter(({ path }) => !path.startsWith("models.")));
}
