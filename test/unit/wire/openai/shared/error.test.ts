import { describe, expect, it } from "vitest";
import { errorKinds, ServerError, type ErrorKind } from "../../../../../src/domain/errors.ts";
import { createId } from "../../../../../src/wire/openai/shared/identifiers.ts";
import { errorResponse, errorWords, toErrorResponse } from "../../../../../src/wire/openai/shared/error.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";

describe("toErrorResponse", () => {
  it("has all four fields for every kind, null where there is nothing to say", () => {
    for (const kind of Object.keys(errorKinds) as ErrorKind[]) {
      const body = toErrorResponse(new ServerError(kind, "No."));
      expect(errorResponse().strict().parse(body)).toEqual(body);
      expect(body.error).toEqual({
        message: "No.",
        type: errorWords[kind].type,
        param: null,
        code: errorWords[kind].code,
      });
    }
  });

  it.skipIf(!openAiDocument.isMet)(`is what OpenAI's document describes, for every kind${openAiDocument.note}`, () => {
    for (const kind of Object.keys(errorKinds) as ErrorKind[]) {
      expect(faultsOf("ErrorResponse", toErrorResponse(new ServerError(kind, "No.")))).toEqual([]);
    }
  });

  it("has words for every kind and for nothing else", () => {
    expect(Object.keys(errorWords)).toEqual(Object.keys(errorKinds));
  });

  it("has the type and code that OpenAI's clients look for", () => {
    const words = (kind: ErrorKind) => toErrorResponse(new ServerError(kind, "No.")).error;
    expect(words("context_length_exceeded")).toMatchObject({
      type: "invalid_request_error",
      code: "context_length_exceeded",
    });
    expect(words("missing_parameter").code).toBe("missing_required_parameter");
    expect(words("overloaded").type).toBe("rate_limit_error");
    expect(words("forbidden").type).toBe("permission_error");
    expect(words("invalid_request").code).toBeNull();
    expect(words("internal")).toMatchObject({ type: "server_error", code: "internal_error" });
  });

  it("has the field's name in param", () => {
    expect(toErrorResponse(new ServerError("invalid_value", { message: "No.", param: "n" })).error.param).toBe("n");
  });
});

describe("createId", () => {
  it("makes ids of their kind that differ", () => {
    expect(createId("chatcmpl")).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
    expect(createId("cmpl")).not.toBe(createId("cmpl"));
  });
});
