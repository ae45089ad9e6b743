// Messages of a chat request, one schema per role.
import { z } from "zod";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";

/** OpenAI's mark for the end of a cached prefix. It is accepted without effect, because prefixes are found without it here. */
function cacheBreakpoint() {
  return z.unknown().optional();
}

function textPart() {
  return z.object({ type: z.literal("text"), text: z.string(), prompt_cache_breakpoint: cacheBreakpoint() });
}

function refusalPart() {
  return z.object({ type: z.literal("refusal"), refusal: z.string() });
}

function userParts() {
  return z.discriminatedUnion("type", [
    textPart(),
    z.object({
      type: z.literal("image_url"),
      image_url: z.object({ url: z.string().min(1), detail: z.enum(["auto", "low", "high"]).nullish() }),
      prompt_cache_breakpoint: cacheBreakpoint(),
    }),
    z.object({
      type: z.literal("input_audio"),
      input_audio: z.object({ data: z.string().min(1), format: z.enum(["wav", "mp3"]) }),
      prompt_cache_breakpoint: cacheBreakpoint(),
    }),
    z.object({
      type: z.literal("file"),
      file: z.object({
        filename: z.string().nullish(),
        file_data: z.string().nullish(),
        file_id: z.string().nullish(),
      }),
      prompt_cache_breakpoint: cacheBreakpoint(),
    }),
  ]);
}

export function textParts() {
  return z.array(z.discriminatedUnion("type", [textPart()])).min(1);
}

function textContent() {
  return z.union([z.string(), textParts()]);
}

export const chatMessage = once(() =>
  z
    .discriminatedUnion("role", [
      z.object({ role: z.literal("system"), content: textContent(), name: z.string().nullish() }),
      z.object({ role: z.literal("developer"), content: textContent(), name: z.string().nullish() }),
      z.object({
        role: z.literal("user"),
        content: z.union([z.string(), z.array(userParts()).min(1)]),
        name: z.string().nullish(),
      }),
      z.object({
        role: z.literal("assistant"),
        content: z
          .union([z.string(), z.array(z.discriminatedUnion("type", [textPart(), refusalPart()])).min(1)])
          .nullish(),
        refusal: z.string().nullish(),
        name: z.string().nullish(),
        audio: z.unknown().optional(),
        tool_calls: z.array(messageToolCall()).nullish(),
        function_call: z.object({ name: z.string().min(1), arguments: z.string() }).nullish(),
        reasoning_content: z.string().nullish().describe("Extension: the reasoning of this turn."),
        reasoning: z.string().nullish().describe("Extension: another spelling of reasoning_content."),
      }),
      z.object({
        role: z.literal("tool"),
        content: textContent(),
        tool_call_id: z.string().min(1),
        name: z.string().nullish(),
      }),
      z.object({ role: z.literal("function"), content: z.string().nullish(), name: z.string().min(1) }),
    ])
    .meta({ id: "ChatMessage" }),
);
export type ChatMessageWire = Wire<typeof chatMessage>;

/** `type` may be left out, as clients written for other local servers do. */
function messageToolCall() {
  return z.object({
    id: z.string().min(1),
    type: z.enum(["function", "custom"]).nullish(),
    function: z.object({ name: z.string().min(1), arguments: z.string() }).nullish(),
  });
}
