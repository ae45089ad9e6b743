// GET /v1/models and GET /v1/models/{id}.
import { z } from "zod";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";

export const model = once(() =>
  z
    .looseObject({
      id: z.string(),
      object: z.literal("model"),
      created: z.int(),
      owned_by: z.string(),
      kind: z.enum(["text", "embedding", "image", "upstream"]).optional().describe("Extension."),
      alias_of: z.string().optional().describe("Extension: the model that answers under this name."),
      state: z.string().optional().describe("Extension: whether the model is loaded."),
      operations: z.array(z.string()).optional().describe("Extension: what a loaded model can do."),
    })
    .meta({ id: "Model" }),
);
export type Model = Wire<typeof model>;

export const modelList = once(() =>
  z.object({ object: z.literal("list"), data: z.array(model()) }).meta({ id: "ModelList" }),
);
export type ModelList = Wire<typeof modelList>;
