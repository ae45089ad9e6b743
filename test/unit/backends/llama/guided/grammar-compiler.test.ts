// A job has the same grammar, or the same refusal, whether it is compiled in this process or in one of its own.
import { describe, expect, it } from "vitest";
import { compileGrammar, type GrammarJob } from "../../../../../src/backends/llama/guided/grammar-job.ts";
import { GrammarCompiler } from "../../../../../src/backends/llama/guided/grammar-compiler.ts";

const never = new AbortController().signal;
const apart = { inlineUnits: 0 };
const ofSchema = (schema: Record<string, unknown>): GrammarJob => ({
  type: "constraint",
  constraint: { type: "json-schema", name: "answer", strict: true, schema },
});
const person = ofSchema({
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer", minimum: 0 } },
  required: ["name", "age"],
  additionalProperties: false,
});

describe("GrammarCompiler", () => {
  it("compiles to the same grammar in a process of its own", async () => {
    expect(await new GrammarCompiler(apart).compile(person, never)).toEqual(compileGrammar(person));
  });

  it("refuses with the same error from a process of its own", async () => {
    const impossible = ofSchema({ type: "string", minLength: 2, maxLength: 1 });
    const here = await new GrammarCompiler().compile(impossible, never).catch((error: unknown) => error);
    expect(here).toMatchObject({ kind: "unsupported_schema", param: "constraint.schema" });
    await expect(new GrammarCompiler(apart).compile(impossible, never)).rejects.toMatchObject({
      kind: "unsupported_schema",
      param: "constraint.schema",
      message: (here as Error).message,
    });
  });

  it("lets the event loop go on while a large schema is compiled", async () => {
    const names = Array.from({ length: 300 }, (_, index) => `p${index}`);
    const large = ofSchema({
      anyOf: names.map((_, index) => ({
        type: "object",
        properties: Object.fromEntries(names.slice(0, index).map((name) => [name, { type: "null" }])),
        required: names.slice(0, index),
        additionalProperties: false,
      })),
    });
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 5);
    const outcome = await new GrammarCompiler().compile(large, never).then(
      () => "compiled",
      (error: unknown) => (error as { kind?: string }).kind,
    );
    clearInterval(ticking);
    expect(["compiled", "unsupported_schema"]).toContain(outcome);
    // Compiled in this process there would be none at all.
    expect(turns).toBeGreaterThan(10);
  });

  it("refuses a job that takes too long, and takes up the next one", async () => {
    const compiler = new GrammarCompiler({ inlineUnits: 0, timeoutMs: 1 });
    await expect(compiler.compile(person, never)).rejects.toMatchObject({ kind: "unsupported_schema" });
    await expect(compiler.compile(person, never)).rejects.toMatchObject({ kind: "unsupported_schema" });
  });

  it("rejects with the signal's reason when the caller leaves", async () => {
    const caller = new AbortController();
    const compiling = new GrammarCompiler(apart).compile(person, caller.signal);
    caller.abort(new Error("gone"));
    await expect(compiling).rejects.toThrow("gone");
  });
});
