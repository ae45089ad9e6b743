// Reading the small JSON files of a model folder: absent is an answer, broken is an error that names the file.
import { readFile } from "node:fs/promises";
import { ServerError } from "../../../domain/errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** The file's text, or `undefined` where there is none. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      return undefined;
    }
    throw error;
  }
}

/**
 * The parsed object, or `undefined` where there is no file.
 * @throws ServerError `model_load_failed` where the file holds no JSON object
 */
export async function readJsonObject(path: string): Promise<JsonObject | undefined> {
  const text = await readTextFile(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ServerError("model_load_failed", `${path} is not valid JSON.`, { cause: error });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new ServerError("model_load_failed", `${path} must hold one JSON object.`);
}

/** The value if it is a finite number, else the fallback. */
export function numberOr<Fallback>(value: unknown, fallback: Fallback): number | Fallback {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/** The value if it is a text, else the fallback. */
export function textOr(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}
