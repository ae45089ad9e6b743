// The tools of a chat request and the choice among them, and their deprecated predecessors, the functions.
import { z } from "zod";
import { freeFormObject } from "../../contract/common.ts";
import { nameSchema } from "../shared/generation.ts";

export function functionDefinition() {
  return z.object({
    name: nameSchema(),
    description: z.string().nullish(),
    parameters: freeFormObject("JSON schema of the arguments.").nullish(),
    strict: z.boolean().nullish(),
  });
}

/** `custom` passes the schema so that it can be refused by name rather than as an unknown word. */
export function toolDefinition() {
  return z.object({ type: z.enum(["function", "custom"]), function: functionDefinition().nullish() });
}

function namedFunction() {
  return z.object({ name: z.string().min(1) });
}

export function toolChoice() {
  return z.union([
    z.enum(["none", "auto", "required"]),
    z.discriminatedUnion("type", [
      z.object({ type: z.literal("function"), function: namedFunction() }),
      z.object({ type: z.literal("custom") }),
      z.object({
        type: z.literal("allowed_tools"),
        allowed_tools: z.object({
          mode: z.enum(["auto", "required"]),
          tools: z
            .array(z.object({ type: z.enum(["function", "custom"]), function: namedFunction().nullish() }))
            .min(1),
        }),
      }),
    ]),
  ]);
}

export function functionCallChoice() {
  return z.union([z.enum(["none", "auto"]), namedFunction()]);
}
