// How the configuration finds models that are on this machine under a name rather than a path: pulled ones, and those of other programs.
import type { ModelKind } from "../model.ts";

/** A model on this machine. */
export interface LocatedModel {
  /** The name under which it is served when the configuration gives it none. */
  readonly name: string;
  /** Absolute path of its file or folder. */
  readonly path: string;
  /** `null` = found from the path. */
  readonly kind: ModelKind | null;
  /** Options by their names in the configuration file; what the configuration says wins over them. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ModelLocator {
  /**
   * The model that a text means which is no path of an existing file; where it is not here, the rest of a sentence that begins with that
   * text and says what to do. `undefined` = the text is no reference to a model.
   */
  locate(text: string): LocatedModel | { readonly problem: string } | undefined;
  /** Models that are served without being configured. */
  offered(): readonly LocatedModel[];
}

/** Where models are looked for; the section `hub` of the configuration with absolute paths. */
export interface ModelPlaces {
  /** Folder of the models that are not in the shared cache, and of the list of what was pulled. */
  readonly storeDirectory: string;
  /** The user's own list of known models; `null` = its usual place. */
  readonly knownModels: string | null;
  readonly modelsDirectories: readonly string[];
  /** Which models are served without being configured. */
  readonly offer: "pulled" | "found" | "none";
}
