// How a cross-encoder's output becomes a score, as its own configuration says.
import { ServerError } from "../../domain/errors.ts";
import { isRecord } from "../../util/is-record.ts";
import { textOr, type JsonObject } from "../json-file.ts";

export interface ScoreRule {
  /** 1: the logit is the score. 2: the second label is "relevant", and its lead over the first is the score. */
  readonly labels: 1 | 2;
  /** Whether the sigmoid of the score is told; of two labels that is the softmax of the second. */
  readonly activation: "sigmoid" | "identity";
}

/**
 * sentence-transformers' rule: the activation that config.json names, in the place of version 4 or of the older ones, else the sigmoid for
 * one label. For two it has no score of its own; their softmax is what such models are trained for.
 * `width`: number of labels that the graph gives, if its exporter fixed it.
 * @throws ServerError `model_load_failed` for more than two labels, or an activation that is not known
 */
export function readScoreRule(config: JsonObject, width: number | undefined): ScoreRule {
  const named = config["id2label"];
  // transformers leaves two labels without names out of the file.
  const labels = width ?? (isRecord(named) ? Object.keys(named).length : 2);
  if (labels !== 1 && labels !== 2) {
    throw new ServerError(
      "model_load_failed",
      `The model gives ${labels} labels for a pair; a cross-encoder that reranks has 1 or 2.`,
    );
  }
  const settings = isRecord(config["sentence_transformers"]) ? config["sentence_transformers"] : {};
  const className = textOr(settings["activation_fn"] ?? config["sbert_ce_default_activation_function"], "");
  const name = className === "" ? undefined : className.split(".").at(-1);
  if (labels === 2) {
    if (name === undefined || name === "Identity" || name === "Softmax") return { labels, activation: "sigmoid" };
  } else {
    if (name === undefined || name === "Sigmoid") return { labels, activation: "sigmoid" };
    if (name === "Identity") return { labels, activation: "identity" };
  }
  throw new ServerError(
    "model_load_failed",
    `config.json asks for the activation ${className} over ${labels} label${labels === 1 ? "" : "s"}, which is not supported.`,
  );
}
