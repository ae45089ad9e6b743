import { describe, expect, it } from "vitest";
import { errorKinds, ServerError } from "../../../../../src/domain/errors.ts";
import type { ErrorKind } from "../../../../../src/domain/errors.ts";
import { toErrorResponse } from "../../../../../src/wire/openai/shared/error.ts";
import { createId } from "../../../../../src/wire/openai/shared/identifiers.ts";
import { errorResponse } from "../../../../../src/wire/openai/shared/error.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";

describe("toErrorResponse", () => {
  it("has all four fields for every kind, null where there is nothing to say", () => {
    for (const kind of Object.keys(errorKinds) as ErrorKind[]) {
      const body = toErrorResponse(new ServerError(kind, "No."));
      expect(errorResponse().strict().parse(body)).toEqual(body);
      expect(body.error).toEqual({
        message: "No.",
        type: errorKinds[kind].type,
        param: null,
        code: errorKinds[kind].code,
      });
    }
  });

  it.skipIf(!openAiDocument.isMet)(`is what OpenAI's document describes, for every kind${openAiDocument.note}`, () => {
    for (const kind of Object.keys(errorKinds) as ErrorKind[]) {
      expect(faultsOf("ErrorResponse", toErrorResponse(new ServerError(kind, "No.")))).toEqual([]);
    }
  });

  it("names the field", () => {
    expect(toErrorResponse(new ServerError("invalid_value", { message: "No.", param: "n" })).error.param).toBe("n");
  });
});

describe("createId", () => {
  it("makes ids of their kind that differ", () => {
    expect(createId("chatcmpl")).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
    expect(createId("call")).toMatch(/^call_[0-9a-f]{32}$/);
    expect(createId("cmpl")).not.toBe(createId("cmpl"));
  });
});
