// Reads the small JSON files of a model folder. An absent file is `undefined`; a broken one is an error that names it.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { ServerError } from "../domain/errors.ts";
import { isRecord } from "../util/is-record.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** The file's text, or `undefined` where there is none. */
export async function readTextFile(path: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    return await readFile(path, { encoding: "utf8", ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function readTextFileSync(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/**
 * The parsed file, or `undefined` where there is none.
 * @throws ServerError `model_load_failed` where the file holds no JSON
 */
export async function readJsonFile(path: string): Promise<unknown> {
  return parseJson(await readTextFile(path), path);
}

/** As `readJsonFile`, for small files that the configuration is checked against. */
export function readJsonFileSync(path: string): unknown {
  return parseJson(readTextFileSync(path), path);
}

/** As `readJsonObject`, for small files that the configuration is checked against. */
export function readJsonObjectSync(path: string): JsonObject | undefined {
  return toJsonObject(readJsonFileSync(path), path);
}

/**
 * The parsed object, or `undefined` where there is no file.
 * @throws ServerError `model_load_failed` where the file holds anything else
 */
export async function readJsonObject(path: string): Promise<JsonObject | undefined> {
  return toJsonObject(await readJsonFile(path), path);
}

function parseJson(text: string | undefined, path: string): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServerError("model_load_failed", `${path} is not valid JSON.`, { cause: error });
  }
}

function toJsonObject(value: unknown, path: string): JsonObject | undefined {
  if (value === undefined || isRecord(value)) return value;
  throw new ServerError("model_load_failed", `${path} must hold one JSON object.`);
}

/** The parsed object, or `undefined` where the file is absent or broken. For a first look: the load reports what is wrong. */
export function peekJsonObject(path: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The value if it is an integer above zero and below `limit`; tokenizers write 1e30 for "no limit". */
export function positiveInteger(value: unknown, limit = 10_000_000): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < limit ? value : undefined;
}

/** The value if it is a finite number, else the fallback. */
export function numberOr<Fallback>(value: unknown, fallback: Fallback): number | Fallback {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/** The value if it is a text, else the fallback. */
export function textOr(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}
