// Says what to do about a model that callers ask for and the server does not offer: the one command that helps.
import type { ModelPlaces } from "../../domain/hub/model-locator.ts";
import type { Environment } from "../environment.ts";
import { loadKnownModels, type KnownModels } from "../known-models/known-models.ts";
import { isPresent, ModelStore } from "../store/model-store.ts";

/** A function of a name; it resolves to `undefined` where nothing is known of it. The list of known models is read at its first call. */
export function createMissingExplainer(
  places: ModelPlaces,
  environment: Environment,
): (name: string) => string | undefined {
  const store = new ModelStore(places.storeDirectory);
  let known: KnownModels | undefined;
  return (name) => {
    const pulled = store.find(name);
    if (pulled !== undefined && isPresent(pulled)) {
      return `The model '${name}' was pulled after this server was started: start the server again to use it.`;
    }
    known ??= loadKnownModels(places.knownModels, environment);
    if (known.find(name.replace(/:[\w.-]+$/, "")) === undefined && known.find(name) === undefined) return undefined;
    return `The model '${name}' is known, but it is not on this machine. Fetch it with: hearth pull ${name}`;
  };
}
