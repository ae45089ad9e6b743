import { describe, expect, it } from "vitest";
import { ServerError } from "../../../../src/domain/errors.ts";
import { renameParam, withDialectParam } from "../../../../src/wire/contract/param-names.ts";

const names = {
  "sampling.topP": "top_p",
  tools: "toolbox",
  "tools[].parameters": "toolbox[].function.parameters",
  "messages[].calls[].name": "turns[].calls[].function.name",
  prompts: "prompt",
  "prompts[]": "prompt",
};

describe("renameParam", () => {
  it.each([
    ["sampling.topP", "top_p"],
    ["tools[2].parameters", "toolbox[2].function.parameters"],
    ["tools[2].parameters.properties.a", "toolbox[2].function.parameters.properties.a"],
    ["messages[3].calls[14].name", "turns[3].calls[14].function.name"],
    ["prompts", "prompt"],
    ["prompts[0][7]", "prompt[7]"],
  ])("writes %s as %s", (path, name) => {
    expect(renameParam(path, names)).toBe(name);
  });

  it("takes the longest beginning that fits", () => {
    expect(renameParam("tools[2].name", names)).toBe("toolbox[2].name");
  });

  it("renames whole segments only", () => {
    for (const path of ["toolset", "tools_of_mine", "promptsy[0]", "xsampling.topP"]) {
      expect(renameParam(path, names)).toBe(path);
    }
  });

  it("leaves unknown paths, and a dialect's own names, as they are", () => {
    for (const path of ["model", "top_p", "toolbox[2].function.parameters", "prompt[7]", ""]) {
      expect(renameParam(path, names)).toBe(path);
    }
  });
});

describe("withDialectParam", () => {
  const toParam = (path: string) => renameParam(path, names);

  it("renames the field in the error and in its sentence, and keeps the rest", () => {
    const thrown = new ServerError("invalid_value", {
      message: "prompts[0][7] is no token; 'prompts[0][7]' and xprompts[0][7] differ.",
      param: "prompts[0][7]",
      retryAfterSeconds: 2,
    });
    expect(withDialectParam(thrown, toParam)).toMatchObject({
      kind: "invalid_value",
      message: "prompt[7] is no token; 'prompt[7]' and xprompts[0][7] differ.",
      param: "prompt[7]",
      retryAfterSeconds: 2,
      cause: thrown,
    });
  });

  it("replaces a field in braces by the caller's name, as a path or as a pointer, and leaves other braces", () => {
    const thrown = new ServerError("unsupported_schema", {
      message: 'Invalid {tools[2].parameters}: "not" at {/tools[2].parameters}/properties/a; see {sampling.topP}, {a}.',
      param: "tools[2].parameters",
    });
    expect(withDialectParam(thrown, toParam)).toMatchObject({
      message:
        'Invalid toolbox[2].function.parameters: "not" at /toolbox/2/function/parameters/properties/a; see top_p, {a}.',
      param: "toolbox[2].function.parameters",
    });
  });

  it("returns an error without a renamed field, and any other value, as it is", () => {
    for (const thrown of [
      new ServerError("overloaded", "full"),
      new ServerError("model_not_found", { message: "no", param: "model" }),
      new Error("x"),
      "x",
    ]) {
      expect(withDialectParam(thrown, toParam)).toBe(thrown);
    }
  });
});
