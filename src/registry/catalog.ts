// Finds the configured models by name, alias or operation, whether they are in memory or not.
import type { ConfiguredModel, ModelPurpose } from "../domain/model.ts";
import { purposeOfOpenAiName } from "../config/openai-names.ts";
import { nearestName } from "../util/nearest.ts";
import type { Operation } from "../domain/backend.ts";
import { ServerError } from "../domain/errors.ts";

export interface Catalog {
  readonly models: readonly ConfiguredModel[];
  readonly aliases: ReadonlyMap<string, string>;
  /** The model of that name or alias. @throws ServerError `model_not_found` */
  resolve(name: string): ConfiguredModel;
  /**
   * The model for a request that names none: the one `configured` names, else the first that can do the operation.
   * @throws ServerError `model_not_found` where there is none
   */
  defaultFor(operation: Operation, configured: string | undefined): ConfiguredModel;
  /** @throws ServerError `unsupported_operation`, naming models that can, where the model's purpose excludes `operation` */
  assertCan(spec: ConfiguredModel, operation: Operation): void;
}

export interface CatalogNames {
  readonly aliases: ReadonlyMap<string, string>;
  /** Ids of the models that any name of an OpenAI model stands for, by its purpose; left out = none does. */
  readonly openAiModels?: Readonly<Partial<Record<ModelPurpose, string | null>>>;
  /** What to say of a name that is not served, in place of the list of those that are; `undefined` = nothing. */
  readonly explainMissing?: (name: string) => string | undefined;
}

export function createCatalog(
  models: readonly ConfiguredModel[],
  { aliases, openAiModels = {}, explainMissing }: CatalogNames,
): Catalog {
  const byId = new Map(models.map((spec) => [spec.id, spec]));

  const findOpenAi = (name: string): ConfiguredModel | undefined => {
    const purpose = purposeOfOpenAiName(name);
    return purpose === undefined ? undefined : byId.get(openAiModels[purpose] ?? "");
  };

  const resolve = (name: string): ConfiguredModel => {
    const spec = byId.get(name) ?? byId.get(aliases.get(name) ?? "") ?? findOpenAi(name);
    if (spec !== undefined) return spec;
    const known = explainMissing?.(name);
    if (known !== undefined) throw new ServerError("model_not_found", { message: known, param: "model" });
    const nearest = nearestName(name, [...byId.keys(), ...aliases.keys()]);
    throw new ServerError("model_not_found", {
      message: [
        `The model '${name}' does not exist.`,
        ...(nearest === null ? [] : [`Did you mean '${nearest}'?`]),
        `This server offers: ${quoted(byId.keys())}.`,
        ...(aliases.size === 0 ? [] : [`Their aliases: ${quoted(aliases.keys())}.`]),
      ].join(" "),
      param: "model",
    });
  };

  return {
    models,
    aliases,
    resolve,
    defaultFor(operation, configured) {
      if (configured !== undefined) return resolve(configured);
      const spec = models.find((candidate) => canPerform(candidate, operation));
      if (spec !== undefined) return spec;
      throw new ServerError("model_not_found", {
        message: "The request names no 'model', and this server offers none that could answer it.",
        param: "model",
      });
    },
    assertCan(spec, operation) {
      if (canPerform(spec, operation)) return;
      const able = models.filter((candidate) => canPerform(candidate, operation)).map(({ id }) => `'${id}'`);
      const hint = able.length > 0 ? `Models that can: ${able.join(", ")}.` : "No model of this server can.";
      throw new ServerError("unsupported_operation", {
        message: `The model '${spec.id}' cannot serve ${operationNames[operation]}. ${hint}`,
        param: "model",
      });
    },
  };
}

function quoted(names: Iterable<string>): string {
  return Array.from(names, (name) => `'${name}'`).join(", ");
}

const operationNames: Readonly<Record<Operation, string>> = {
  chat: "chat completions",
  completion: "completions",
  "apply-template": "chat templates",
  embedding: "embeddings",
  rerank: "reranking",
  image: "image generation",
  "image-edit": "image edits",
};

/** Goes by the model's purpose. A loaded backend knows better and may still refuse, e.g. an edit where there is no VAE encoder. */
function canPerform({ purpose }: ConfiguredModel, operation: Operation): boolean {
  switch (operation) {
    case "chat":
    case "completion":
    case "apply-template":
      return purpose === "text" || purpose === "upstream";
    case "embedding":
      return purpose === "embedding" || purpose === "upstream";
    case "rerank":
      return purpose === "rerank";
    case "image":
    case "image-edit":
      return purpose === "image" || purpose === "upstream";
  }
}
