// The one shape of every error answer.
import { z } from "zod";
import { once } from "./common.ts";
import type { Wire } from "./common.ts";

export const errorResponse = once(() =>
  z
    .object({
      error: z.object({
        message: z.string(),
        type: z.string(),
        param: z.string().nullable(),
        code: z.string().nullable(),
      }),
    })
    .meta({ id: "ErrorResponse" }),
);
export type ErrorResponse = Wire<typeof errorResponse>;
