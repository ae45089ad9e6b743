// The floors of the house (src/README.md), held by a test: who may import whom, which library lives where, and no cycles.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const sourceRoot = resolve(import.meta.dirname, "../src");

/** Floor of each folder; files directly in `src` are listed by name. A file may import from strictly lower floors and its own folder. */
const floors: Readonly<Record<string, number>> = {
  util: 0,
  tensor: 0,
  "version.ts": 0,
  domain: 1,
  openai: 2,
  config: 2,
  batching: 2,
  hub: 2,
  observability: 2,
  registry: 3,
  runners: 3,
  "backends/llama": 3,
  "backends/embedding": 3,
  "backends/diffusion": 3,
  "backends/upstream": 3,
  services: 4,
  http: 5,
  bench: 6,
  "app.ts": 6,
  "runner.ts": 6,
  cli: 7,
  "main.ts": 8,
};

/** Libraries that may be imported in some folders only, and why. A library that is not listed is free. */
const confined: readonly { readonly library: RegExp; readonly allowed: readonly string[]; readonly reason: string }[] =
  [
    { library: /^hono$|^hono\/|^@hono\//, allowed: ["http"], reason: "only the http floor speaks HTTP" },
    {
      library: /^node-llama-cpp/,
      allowed: ["backends/llama"],
      reason: "a runtime library belongs to its one backend, which runs in a child process",
    },
    {
      library: /^@huggingface\/transformers/,
      allowed: ["backends/embedding", "backends/diffusion"],
      reason: "the server's process must import no runtime library",
    },
    {
      library: /^onnxruntime-/,
      allowed: ["backends/diffusion", "backends/embedding"],
      reason: "the server's process must import no native code",
    },
    { library: /^sharp$/, allowed: ["backends/diffusion"], reason: "the server's process must import no native code" },
    { library: /^zod/, allowed: ["openai", "config", "http"], reason: "validation belongs where values enter" },
    { library: /^citty$|^commander$/, allowed: ["cli"], reason: "only the command line parses arguments" },
  ];

interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(sourceRoot, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const imports: readonly Import[] = files.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(join(sourceRoot, file), "utf8");
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?[^"';]*?from\s+"([^"]+)"|^\s*import\s+"([^"]+)"/gm,
  );
  const dynamic = text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g);
  return [
    ...[...statements].map((match) => ({
      from: file,
      specifier: (match[2] ?? match[3]) as string,
      typeOnly: match[1] !== undefined,
    })),
    ...[...dynamic].map((match) => ({ from: file, specifier: match[1] as string, typeOnly: false })),
  ];
}

/** The room of a file: its folder as the table of floors names it. */
function roomOf(file: string): string {
  const parts = file.split("/");
  if (parts.length === 1) return file;
  return parts[0] === "backends" ? `${parts[0]}/${parts[1]}` : (parts[0] as string);
}

function targetOf({ from, specifier }: Import): string | undefined {
  return specifier.startsWith(".") ? relative(sourceRoot, resolve(sourceRoot, dirname(from), specifier)) : undefined;
}

describe("architecture", () => {
  it("gives every file a floor", () => {
    const homeless = files.filter((file) => floors[roomOf(file)] === undefined);
    expect(homeless, "files in a folder that has no floor in test/architecture.test.ts").toEqual([]);
  });

  it("imports only from lower floors or the same room", () => {
    const broken = imports.flatMap((statement) => {
      const target = targetOf(statement);
      if (target === undefined) return [];
      const from = roomOf(statement.from);
      const to = roomOf(target);
      const fine = from === to || (floors[to] ?? Infinity) < (floors[from] ?? -1);
      return fine ? [] : [`${statement.from} (floor ${floors[from]}) imports ${target} (floor ${floors[to]})`];
    });
    expect(
      broken,
      "a file may import from strictly lower floors only, so that no cycle between rooms can exist",
    ).toEqual([]);
  });

  it("names files with their extension", () => {
    const broken = imports.filter(({ specifier }) => specifier.startsWith(".") && !/\.(ts|json)$/.test(specifier));
    expect(broken.map(({ from, specifier }) => `${from}: ${specifier}`)).toEqual([]);
  });

  for (const { library, allowed, reason } of confined) {
    it(`keeps ${library.source} in ${allowed.join(", ")}: ${reason}`, () => {
      const broken = imports
        .filter(({ specifier }) => library.test(specifier))
        .filter(({ from }) => !allowed.includes(roomOf(from)))
        .map(({ from, specifier }) => `${from} imports ${specifier}`);
      expect(broken, reason).toEqual([]);
    });
  }

  it("knows only files that exist", () => {
    const missing = imports.flatMap((statement) => {
      const target = targetOf(statement);
      return target === undefined || files.includes(target) || target.endsWith(".json")
        ? []
        : [`${statement.from}: ${target}`];
    });
    expect(missing).toEqual([]);
  });

  it("has no cycle of files", () => {
    const graph = new Map<string, string[]>(files.map((file) => [file, []]));
    for (const statement of imports) {
      const target = targetOf(statement);
      if (target !== undefined && !statement.typeOnly) graph.get(statement.from)?.push(target);
    }
    expect(findCycle(graph), "a cycle of files").toBeUndefined();
  });

  it("keeps files under 300 lines", () => {
    const long = files.filter((file) => readFileSync(join(sourceRoot, file), "utf8").split("\n").length > 301);
    expect(long, "a file over 300 lines does more than one thing").toEqual([]);
  });

  it("has a room in src/README.md for every folder", () => {
    const readme = readFileSync(join(sourceRoot, "README.md"), "utf8");
    const unknown = [...new Set(files.map((file) => roomOf(file)))].filter((room) => !readme.includes(room));
    expect(unknown, "rooms that src/README.md does not mention").toEqual([]);
  });
});

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
