// The floors of the house (src/README.md), held by a test: who may import whom, which library lives where, no circles, and no
// crowded folders.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const sourceRoot = resolve(import.meta.dirname, "../src");

/** Floor of each room; files directly in `src` are listed by name. A file may import from strictly lower floors and its own room. */
const floors: Readonly<Record<string, number>> = {
  util: 0,
  jinja: 0,
  "version.ts": 0,
  domain: 1,
  wire: 2,
  runners: 2,
  "model-files": 2,
  observability: 2,
  config: 3,
  hub: 3,
  "backends/common": 3,
  "backends/onnx": 4,
  "backends/llama": 5,
  "backends/embedding": 5,
  "backends/diffusion": 5,
  registry: 6,
  "runner.ts": 6,
  services: 7,
  http: 8,
  bench: 8,
  "app.ts": 9,
  cli: 10,
  "main.ts": 11,
};

/** Libraries that may be imported in some folders only, and why. A library that is not listed is free. */
const confined: readonly { readonly library: RegExp; readonly allowed: readonly string[]; readonly reason: string }[] =
  [
    { library: /^hono$|^hono\/|^@hono\//, allowed: ["http"], reason: "only the http floor speaks HTTP" },
    {
      library: /^node-llama-cpp/,
      allowed: ["backends/llama/native", "backends/llama/load"],
      reason: "the binding's internals stay behind one adapter, which runs in a child process",
    },
    {
      library: /^@huggingface\/(?:transformers|tokenizers)/,
      allowed: ["backends/embedding", "backends/diffusion/prompt"],
      reason: "tokenizers are all that is used of it, and the server's process imports no runtime library",
    },
    {
      library: /^js-tiktoken/,
      allowed: ["backends/common"],
      reason: "OpenAI's table of tokens is loaded where ids are read",
    },
    { library: /^onnxruntime-/, allowed: ["backends/onnx"], reason: "sessions are opened and run in one place" },
    { library: /^sharp$/, allowed: ["backends/diffusion/output"], reason: "pictures are encoded in one place" },
    {
      library: /^@huggingface\/hub/,
      allowed: ["hub/client"],
      reason: "only the client of the hub asks it, and a server that pulls nothing never reads the library",
    },
    { library: /^yauzl$/, allowed: ["hub/pull/packages"], reason: "packages are opened in one place" },
    { library: /^cli-progress$/, allowed: ["cli"], reason: "only the command line draws on the terminal" },
    {
      library: /^zod/,
      allowed: ["wire", "config", "hub/known-models"],
      reason: "validation belongs where values enter",
    },
    { library: /^citty$|^commander$/, allowed: ["cli"], reason: "only the command line parses arguments" },
  ];

/** The most files and folders that stand side by side in one folder of a room. */
const maximumSiblings = 12;

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** What stands between `import` and `from`. */
  readonly names: string;
}

const files = readdirSync(sourceRoot, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const folders = [
  ...new Set(
    files.flatMap((file) =>
      file
        .split("/")
        .slice(0, -1)
        .map((_, index, parts) => parts.slice(0, index + 1).join("/")),
    ),
  ),
].toSorted();
const imports: readonly Import[] = files.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(join(sourceRoot, file), "utf8");
  const statements = text.matchAll(/^\s*(?:import|export)\s+([^"';]*?)from\s+"([^"]+)"|^\s*import\s+"([^"]+)"/gm);
  const dynamic = text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g);
  return [
    ...[...statements].map((match) => ({
      from: file,
      specifier: (match[2] ?? match[3]) as string,
      names: match[1] ?? "",
    })),
    ...[...dynamic].map((match) => ({ from: file, specifier: match[1] as string, names: "" })),
  ];
}

/** The room of a file: its folder as the table of floors names it. */
function roomOf(file: string): string {
  const parts = file.split("/");
  if (parts.length === 1) return file;
  return parts[0] === "backends" ? `${parts[0]}/${parts[1]}` : (parts[0] as string);
}

function isIn(file: string, folder: string): boolean {
  return file.startsWith(`${folder}/`);
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
        .filter(({ from }) => !allowed.some((folder) => isIn(from, folder)))
        .map(({ from, specifier }) => `${from} imports ${specifier}`);
      expect(broken, reason).toEqual([]);
    });
  }

  it("lets the engine alone change a sequence", () => {
    const broken = imports
      .filter((statement) => targetOf(statement) === "backends/llama/engine/sequence.ts")
      .filter(({ from, names }) => /\bSequence\b/.test(names) && !isIn(from, "backends/llama/engine"));
    expect(
      broken.map(({ from }) => from),
      "everybody else sees a SequenceView, whose fields cannot be written",
    ).toEqual([]);
  });

  it("knows only files that exist", () => {
    const missing = imports.flatMap((statement) => {
      const target = targetOf(statement);
      return target === undefined || files.includes(target) || target.endsWith(".json")
        ? []
        : [`${statement.from}: ${target}`];
    });
    expect(missing).toEqual([]);
  });

  it("has no circle of files, not even one of types", () => {
    const graph = new Map<string, Set<string>>(files.map((file) => [file, new Set()]));
    for (const statement of imports) {
      const target = targetOf(statement);
      if (target !== undefined) graph.get(statement.from)?.add(target);
    }
    expect(findCycle(graph), "a circle of files").toBeUndefined();
  });

  for (const folder of folders) {
    it(`has no circle among the files and folders of ${folder}`, () => {
      const graph = new Map<string, Set<string>>();
      for (const statement of imports) {
        const target = targetOf(statement);
        if (target === undefined || !isIn(statement.from, folder) || !isIn(target, folder)) continue;
        const [from, to] = [childOf(statement.from, folder), childOf(target, folder)];
        if (from !== to) graph.set(from, (graph.get(from) ?? new Set()).add(to));
      }
      expect(
        findCycle(graph),
        "two neighbours that need each other are one thing, or a third is missing",
      ).toBeUndefined();
    });
  }

  it(`has at most ${maximumSiblings} files and folders side by side`, () => {
    const crowded = folders
      .map((folder) => {
        const children = new Set(files.filter((file) => isIn(file, folder)).map((file) => childOf(file, folder)));
        return `${folder}: ${children.size}`;
      })
      .filter((row) => Number(row.split(": ")[1]) > maximumSiblings);
    expect(crowded, "a folder is one responsibility that can be taken in at a glance").toEqual([]);
  });

  it("keeps files under 300 lines", () => {
    const long = files.filter((file) => readFileSync(join(sourceRoot, file), "utf8").split("\n").length > 301);
    expect(long, "a file over 300 lines does more than one thing").toEqual([]);
  });

  it("names in the table of src/README.md the rooms that exist, each on its floor, and no others", () => {
    const rows = readFileSync(join(sourceRoot, "README.md"), "utf8").matchAll(/^\| (\d+) +\| ((?:`[^`]+` *)+)\|/gm);
    const told = [...rows].flatMap(([, floor, rooms]) =>
      [...(rooms as string).matchAll(/`([^`]+?)\/?`/g)].map(([, room]) => `${room}: floor ${floor}`),
    );
    const built = [...new Set(files.map(roomOf))].map((room) => `${room}: floor ${floors[room]}`);
    expect(told.toSorted()).toEqual(built.toSorted());
  });
});

describe("src/README.md", () => {
  it("names only files and folders that exist", () => {
    const readme = readFileSync(join(sourceRoot, "README.md"), "utf8");
    const repository = join(sourceRoot, "..");
    const rooms = Object.keys(floors);
    const missing = [...readme.matchAll(/`([\w./-]+)`/g)]
      .map(([, name]) => name as string)
      .filter((name) => name.endsWith(".ts") || name.endsWith("/"))
      .filter((name) => {
        const places = [sourceRoot, repository, ...rooms.map((room) => join(sourceRoot, room))];
        const inner = folders.map((folder) => join(sourceRoot, folder));
        return ![...places, ...inner].some((place) => existsSync(join(place, name)));
      });
    expect(missing, "src/README.md is always true").toEqual([]);
  });
});

/** The file or folder directly in `folder` that `file` is or lies in. */
function childOf(file: string, folder: string): string {
  const [child = ""] = file.slice(folder.length + 1).split("/");
  return `${folder}/${child}`;
}

function findCycle(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
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
