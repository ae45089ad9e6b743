import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseRequest } from "../../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../../src/wire/openai/chat/contract.ts";
import { completionContract } from "../../../../src/wire/openai/completions/contract.ts";
import { embeddingContract } from "../../../../src/wire/openai/embeddings/contract.ts";
import { imageContract } from "../../../../src/wire/openai/images/generation.ts";
import { shared, sharedPath } from "../../../support/shared.ts";
import { anyContracts } from "../support/any-contract.ts";
import { openAiDocument, propertiesOf } from "../support/openai-document.ts";

const reference = shared("spec", "api-reference.txt");

describe.each(anyContracts)("the fields of $name", ({ fields, known, parse, components }) => {
  it.skipIf(!openAiDocument.isMet)(
    `say what becomes of every property of OpenAI's document${openAiDocument.note}`,
    () => {
      const properties = components.flatMap(propertiesOf);
      if (components.length > 0) expect(properties.length).toBeGreaterThan(4);
      expect(properties.filter((name) => !(name in fields))).toEqual([]);
    },
  );

  it("say how every field of the schema is handled", () => {
    expect(known().filter((name) => !(name in fields))).toEqual([]);
  });

  it("call no field honoured that the schema does not have, and none refused that it has", () => {
    const names = new Set(known());
    const wrong = Object.entries(fields).filter(
      ([name, field]) =>
        (field.handling === "honoured" && !names.has(name)) || (field.handling === "refused" && names.has(name)),
    );
    expect(wrong).toEqual([]);
  });

  it("refuse by name what they call refused", () => {
    const refused = Object.keys(fields).filter((name) => fields[name]?.handling === "refused");
    for (const name of refused) {
      expect(() => parse({ [name]: {} })).toThrow(
        expect.objectContaining({ kind: "unsupported_parameter", param: name }),
      );
    }
  });
});

// The reference is prose with one example body per endpoint; the table rows are `name required? | type description`.
describe.skipIf(!reference.isMet)(`the provider's reference${reference.note}`, () => {
  it("has no request field that the tables lack", () => {
    const text = readFileSync(sharedPath("spec", "api-reference.txt"), "utf8");
    const rows = [...text.matchAll(/^(\w+) (?:required )?\| (?:string|number|integer|boolean|object|Array)/gm)];
    // The row of messages has lost its name: it reads "required | Array of objects".
    const names = new Set(rows.map((row) => row[1]?.replace("required", "messages") ?? ""));
    expect(names.size).toBeGreaterThanOrEqual(16);
    const known = new Set(anyContracts.flatMap(({ fields }) => Object.keys(fields)));
    expect([...names].filter((name) => !known.has(name))).toEqual([]);
  });

  it("shows request bodies that are accepted", () => {
    const text = readFileSync(sharedPath("spec", "api-reference.txt"), "utf8");
    const examples = [...text.matchAll(/^\{- "(?:model|input)"[\s\S]*?^\}(?=\n\{- )/gm)].map(
      ([example]) => JSON.parse(example.replaceAll(/(^|[{,] ?)- /gm, "$1")) as Record<string, unknown>,
    );
    const accepted = examples.map((body) => {
      if ("messages" in body) parseRequest(chatCompletionContract, body);
      else if ("input" in body) parseRequest(embeddingContract, body);
      else if ("size" in body) parseRequest(imageContract, body);
      else parseRequest(completionContract, body);
      return Object.keys(body).length;
    });
    expect(accepted).toHaveLength(4);
  });
});
