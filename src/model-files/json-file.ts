// Reading the small JSON files of a model folder: absent is an answer, broken is an error that names the file.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ServerError } from "../domain/errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The parsed file, or `undefined` where there is none.
 * @throws ServerError `model_load_failed` where the file holds no JSON
 */
export async function readJsonFile(folder: string, name: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(join(folder, name), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServerError("model_load_failed", `${join(folder, name)} is not valid JSON.`, { cause: error });
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As {@link readJsonFile}, where anything but an object counts as an empty object. */
export async function readJsonObject(folder: string, name: string): Promise<JsonObject> {
  const value = await readJsonFile(folder, name);
  return isJsonObject(value) ? value : {};
}

/** The value if it is an integer above zero and below `limit`; tokenizers write 1e30 for "no limit". */
export function positiveInteger(value: unknown, limit = 10_000_000): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < limit ? value : undefined;
}
