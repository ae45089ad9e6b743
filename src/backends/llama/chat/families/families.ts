// Finds the family of a template. Families are asked in order, those whose marks are more specific first.
import { ServerError } from "../../../../domain/errors.ts";
import type { ChatFamily } from "../types.ts";
import { COMMAND_R, COMMAND_R7B } from "./json/command-r.ts";
import { DEEPSEEK, DEEPSEEK_V31 } from "./named/deepseek.ts";
import { FUNCTIONARY_V31, FUNCTIONARY_V32 } from "./named/functionary.ts";
import { GENERIC } from "./json/generic.ts";
import { GRANITE } from "./json/granite.ts";
import { GEMMA4 } from "./named/gemma4.ts";
import { HARMONY } from "./named/harmony.ts";
import { HERMES } from "./json/hermes.ts";
import { LLAMA3 } from "./json/llama3.ts";
import { LLAMA4 } from "./parameters/llama4.ts";
import { KIMI_K2 } from "./named/kimi-k2.ts";
import { LFM2 } from "./parameters/lfm2.ts";
import { MINICPM5 } from "./parameters/minicpm5.ts";
import { MISTRAL, MISTRAL_NAMED } from "./json/mistral.ts";
import { QWEN3_CODER } from "./parameters/qwen3-coder.ts";

export const FAMILIES: readonly ChatFamily[] = [
  HARMONY,
  FUNCTIONARY_V32,
  MINICPM5,
  FUNCTIONARY_V31,
  QWEN3_CODER,
  DEEPSEEK_V31,
  DEEPSEEK,
  COMMAND_R7B,
  COMMAND_R,
  MISTRAL_NAMED,
  KIMI_K2,
  GEMMA4,
  LFM2,
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
