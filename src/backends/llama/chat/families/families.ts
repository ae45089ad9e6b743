// Finds the family of a template. Families are asked in order, those whose marks are more specific first.
import { ServerError } from "../../../../domain/errors.ts";
import type { ChatFamily } from "../types.ts";
import { COMMAND_R, COMMAND_R7B } from "./command-r.ts";
import { DEEPSEEK, DEEPSEEK_V31 } from "./deepseek.ts";
import { FUNCTIONARY_V31, FUNCTIONARY_V32 } from "./functionary.ts";
import { GENERIC } from "./generic.ts";
import { GRANITE } from "./granite.ts";
import { HARMONY } from "./harmony.ts";
import { HERMES } from "./hermes.ts";
import { LLAMA3 } from "./llama3.ts";
import { LLAMA4 } from "./llama4.ts";
import { MISTRAL, MISTRAL_NAMED } from "./mistral.ts";
import { QWEN3_CODER } from "./qwen3-coder.ts";

export const FAMILIES: readonly ChatFamily[] = [
  HARMONY,
  FUNCTIONARY_V32,
  FUNCTIONARY_V31,
  QWEN3_CODER,
  DEEPSEEK_V31,
  DEEPSEEK,
  COMMAND_R7B,
  COMMAND_R,
  MISTRAL_NAMED,
  GRANITE,
  HERMES,
  LLAMA4,
  LLAMA3,
  MISTRAL,
  GENERIC,
];

/**
 * The family of a template, or the one named.
 * @throws ServerError `model_load_failed` for an unknown name
 */
export function detectFamily(template: string, name?: string): ChatFamily {
  if (name === undefined) return FAMILIES.find((family) => family.detect(template)) ?? GENERIC;
  const named = FAMILIES.find((family) => family.name === name);
  if (named !== undefined) return named;
  const known = FAMILIES.map((family) => family.name).join(", ");
  throw new ServerError("model_load_failed", `There is no chat family "${name}"; the families are ${known}.`);
}
