// Reads a YAML file into plain values and finds the line and column of each key, so that an error can point at the place to change.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from "yaml";
import { ConfigurationError, type Origin } from "./problems/problems.ts";

export interface ConfigurationDocument {
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute path of the folder against which paths in the file are resolved. */
  readonly folder: string;
  readonly root: Readonly<Record<string, unknown>>;
  /** Place of the key at `path`, or of the nearest enclosing one that stands in the file. */
  readonly locate: (path: readonly PropertyKey[]) => Origin;
}

/**
 * Reads and parses a file.
 * @throws ConfigurationError when it cannot be read, is no YAML, or is no mapping at its top.
 */
export function readConfigurationDocument(file: string): ConfigurationDocument {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, merge: true, prettyErrors: false });
  const at = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { from: "file", file, line, column: col };
  };
  if (document.errors.length > 0) {
    throw new ConfigurationError(
      document.errors.map((error) => ({
        origin: at(error.pos[0]),
        path: "",
        message: `not valid YAML: ${error.message}`,
      })),
    );
  }
  const root = toPlain(document, at(0));
  return {
    file,
    folder: dirname(file),
    root,
    locate: (path) => at(offsetOf(document, path)),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message =
      code === "ENOENT"
        ? "the configuration file does not exist"
        : code === "EISDIR"
          ? "the configuration must be a file, and this is a folder"
          : `the configuration file cannot be read (${code ?? String(error)})`;
    throw new ConfigurationError([{ origin: { from: "file", file, line: 1, column: 1 }, path: "", message }], {
      cause: error,
    });
  }
}

function toPlain(document: Document, origin: Origin): Record<string, unknown> {
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // An alias without an anchor, or aliases that multiply without end, are found only here.
    const message = `not valid YAML: ${error instanceof Error ? error.message : String(error)}`;
    throw new ConfigurationError([{ origin, path: "", message }], { cause: error });
  }
  if (value === null || value === undefined) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ConfigurationError([
    { origin, path: "", message: "the configuration must be a mapping of sections such as models: and server:" },
  ]);
}

/** Offset of the key at `path`; stops at the deepest part of the path that the file itself spells out. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const segment of path) {
    const target: Node | undefined = isAlias(node) ? node.resolve(document) : isNode(node) ? node : undefined;
    if (isMap(target)) {
      const pair = target.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(segment));
      if (pair === undefined) return offset;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(target)) {
      node = target.items[Number(segment)];
      if (!isNode(node)) return offset;
      offset = node.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}
