// Looks into a GGUF before the native library does: a broken or hostile file is refused with a sentence that says why, and
// facts for the model list come from its metadata.
import { open, stat } from "node:fs/promises";
import { readGgufFileInfo, type GgufFileInfo } from "node-llama-cpp";
import { ServerError } from "../../domain/errors.ts";

/** Far above any real model; a header that claims more would only exhaust memory. */
const maximumTensors = 200_000;
const maximumMetadataEntries = 100_000;
const maximumVocabulary = 4_000_000;

export interface GgufFacts {
  readonly info: GgufFileInfo;
  readonly architecture: string;
  readonly trainedContextSize: number;
  readonly embeddingSize: number;
  readonly vocabularySize: number;
  /** Such as `Q4_K_M`; the file type's number where the name is unknown. */
  readonly quantization: string;
  readonly chatTemplate: string | undefined;
  /** Templates for other purposes by name, such as `tool_use`. */
  readonly namedTemplates: Readonly<Record<string, string>>;
  readonly preTokenizer: string | undefined;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** @throws ServerError `model_load_failed` with the reason, when the file is no GGUF that can be loaded. */
export async function readGguf(path: string, signal: AbortSignal): Promise<GgufFacts> {
  const file = await stat(path).catch(() => undefined);
  if (file === undefined) throw loadFailure(path, "there is no such file");
  if (!file.isFile()) throw loadFailure(path, "it is not a file");
  await checkHeader(path, file.size);
  let info: GgufFileInfo;
  try {
    info = await readGgufFileInfo(path, { sourceType: "filesystem", logWarnings: false, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw loadFailure(path, `its metadata cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
  const architecture: unknown = info.metadata.general?.architecture;
  if (typeof architecture !== "string" || architecture === "") throw loadFailure(path, "it names no architecture");
  const own = (info.metadata as unknown as Record<string, unknown>)[architecture];
  const tokenizer = info.metadata.tokenizer as { ggml?: Record<string, unknown>; chat_template?: unknown } | undefined;
  const tokens = tokenizer?.ggml?.["tokens"];
  if (!Array.isArray(tokens) || tokens.length === 0) throw loadFailure(path, "it has no vocabulary");
  return {
    info,
    architecture,
    trainedContextSize: positiveInteger(own, "context_length") ?? 2048,
    embeddingSize: positiveInteger(own, "embedding_length") ?? 0,
    vocabularySize: tokens.length,
    quantization: quantizationName(info.metadata.general.file_type),
    ...templates(info),
    preTokenizer: typeof tokenizer?.ggml?.["pre"] === "string" ? tokenizer.ggml["pre"] : undefined,
    sizeBytes: file.size,
    modifiedMs: file.mtimeMs,
  };
}

/** Magic, version and counts, from the first 24 bytes (gguf.md of ggml). */
async function checkHeader(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, "r").catch((error: unknown) => {
    throw loadFailure(path, error instanceof Error ? error.message : String(error));
  });
  try {
    const header = Buffer.alloc(24);
    const { bytesRead } = await handle.read(header, 0, 24, 0);
    if (bytesRead < 24 || header.toString("latin1", 0, 4) !== "GGUF") throw loadFailure(path, "it is not a GGUF file");
    const version = header.readUInt32LE(4);
    if (version < 2 || version > 3)
      throw loadFailure(path, `it is GGUF version ${version}; versions 2 and 3 are supported`);
    const tensors = header.readBigUInt64LE(8);
    const entries = header.readBigUInt64LE(16);
    if (tensors > BigInt(maximumTensors) || entries > BigInt(maximumMetadataEntries)) {
      throw loadFailure(path, `its header claims ${tensors} tensors and ${entries} metadata entries`);
    }
    // An entry takes at least 13 bytes and a tensor's description at least 24: the file must be able to hold what it claims.
    if (entries * 13n + tensors * 24n > BigInt(sizeBytes))
      throw loadFailure(path, "it is shorter than its header claims");
  } finally {
    await handle.close();
  }
}

export function loadFailure(path: string, reason: string): ServerError {
  return new ServerError("model_load_failed", `The model file '${path}' cannot be loaded: ${reason}.`);
}

function positiveInteger(section: unknown, key: string): number | undefined {
  const value = typeof section === "object" && section !== null ? (section as Record<string, unknown>)[key] : undefined;
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number > 0 && number < maximumVocabulary * 1000
    ? number
    : undefined;
}

function templates(info: GgufFileInfo): Pick<GgufFacts, "chatTemplate" | "namedTemplates"> {
  const section = info.metadata.tokenizer as unknown as Record<string, unknown> | undefined;
  const plain = section?.["chat_template"];
  const named: Record<string, string> = {};
  if (typeof plain === "object" && plain !== null) {
    for (const [name, value] of Object.entries(plain)) if (typeof value === "string") named[name] = value;
  }
  for (const [key, value] of Object.entries(section ?? {})) {
    if (key.startsWith("chat_template.") && typeof value === "string")
      named[key.slice("chat_template.".length)] = value;
  }
  return { chatTemplate: typeof plain === "string" ? plain : named["default"], namedTemplates: named };
}

/** Names of `llama_ftype` by number. */
const fileTypes: Readonly<Record<number, string>> = {
  0: "F32",
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  7: "Q8_0",
  8: "Q5_0",
  9: "Q5_1",
  10: "Q2_K",
  11: "Q3_K_S",
  12: "Q3_K_M",
  13: "Q3_K_L",
  14: "Q4_K_S",
  15: "Q4_K_M",
  16: "Q5_K_S",
  17: "Q5_K_M",
  18: "Q6_K",
  19: "IQ2_XXS",
  20: "IQ2_XS",
  21: "Q2_K_S",
  22: "IQ3_XS",
  23: "IQ3_XXS",
  24: "IQ1_S",
  25: "IQ4_NL",
  26: "IQ3_S",
  27: "IQ3_M",
  28: "IQ2_S",
  29: "IQ2_M",
  30: "IQ4_XS",
  31: "IQ1_M",
  32: "BF16",
  36: "TQ1_0",
  37: "TQ2_0",
  38: "MXFP4",
};

function quantizationName(fileType: unknown): string {
  const number = Number(fileType);
  return Number.isInteger(number) ? (fileTypes[number] ?? `file type ${number}`) : "unknown";
}
