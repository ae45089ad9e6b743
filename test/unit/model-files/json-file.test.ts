import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { peekJsonObject, readJsonFile, readJsonObject } from "../../../src/model-files/json-file.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder("json");

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const object = file("object.json", '{ "a": 1 }');
const list = file("list.json", "[1]");
const broken = file("broken.json", "{");
const absent = join(folder, "absent.json");
const insideFile = join(object, "config.json");

describe("a JSON file of a model", () => {
  it("is read where it is there", async () => {
    expect(await readJsonFile(list)).toEqual([1]);
    expect(await readJsonObject(object)).toEqual({ a: 1 });
  });

  it.each([absent, insideFile])("is undefined where it is not: %s", async (path) => {
    expect(await readJsonFile(path)).toBeUndefined();
    expect(await readJsonObject(path)).toBeUndefined();
  });

  it("that is broken is refused by name", async () => {
    await expect(readJsonFile(broken)).rejects.toMatchObject({
      kind: "model_load_failed",
      message: `${broken} is not valid JSON.`,
    });
  });

  it("that holds no object is refused by name where one is expected", async () => {
    await expect(readJsonObject(list)).rejects.toMatchObject({
      kind: "model_load_failed",
      message: `${list} must hold one JSON object.`,
    });
  });

  it("that is absent, broken or no object is undefined to `peekJsonObject`", () => {
    expect([object, list, broken, absent].map(peekJsonObject)).toEqual([{ a: 1 }, undefined, undefined, undefined]);
  });
});
