// Pulls in processes of their own: killed at any byte, two at a time, and beside the reference implementation of the cache.
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PullProgress } from "../../src/domain/hub/pull.ts";
import { FakeHub, type SeenRequest } from "../support/hub/fake-hub.ts";
import { patternBytes } from "../support/hub/fake-repository.ts";
import { createHome, pull, type PullHome } from "../support/hub/pull-under-test.ts";
import { requirement } from "../support/skips/requires.ts";

const script = resolve(import.meta.dirname, "../support/hub/pull-child.ts");
const repository = resolve(import.meta.dirname, "../..");
/** .ci/long has many more. */
const kills = Number(process.env["PULL_KILLS"] ?? 4);

let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.start();
});
afterAll(() => hub.close());

const fromStore = ({ host, method }: SeenRequest) => host === "store" && method === "GET";

interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly events: readonly PullProgress[];
    readonly errors: string;
  }>;
}

function startPull(reference: string, home: PullHome): Child {
  const child = spawn(process.execPath, ["--import", "tsx", script, reference, join(home.folder, "store")], {
    cwd: repository,
    env: { ...home.environment, HF_HUB_DOWNLOAD_TIMEOUT: "30" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = once(child, "close").then(([code]) => ({
    code: code as number | null,
    // The last line of a killed process may be cut.
    events: output.split("\n").flatMap((line) => parse(line)),
    errors,
  }));
  return { process: child, ended };
}

function parse(line: string): PullProgress[] {
  try {
    return [JSON.parse(line) as PullProgress];
  } catch {
    return [];
  }
}

const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");

describe("a process that pulls", () => {
  it(
    `killed ${kills} times, each at a random byte, leaves only true notes behind, and still ends with the right content`,
    { timeout: 60_000 + kills * 10_000 },
    async () => {
      const content = patternBytes(3 * 2 ** 20, 11);
      hub.commit("org/killed", { "m.gguf": content });
      const home = createHome(hub);
      const seed = Number(process.env["PULL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
      const places = killPlaces({ seed, most: content.length / (kills + 2) });
      let sent = 0;
      let killed = 0;
      let limit = Infinity;
      let child: Child | undefined;
      // Counts what leaves the host of the bytes, over all connections, and strikes between two pieces.
      hub.rules.push((request) => {
        if (!fromStore(request)) return undefined;
        let before = 0;
        return {
          isSlow: true,
          onSent: (bytes) => {
            sent += bytes - before;
            before = bytes;
            if (sent < limit) return;
            limit = Infinity;
            killed += 1;
            child?.process.kill("SIGKILL");
          },
        };
      });
      for (const place of places) {
        limit = sent + place;
        child = startPull("org/killed", home);
        const { code, errors } = await child.ended;
        expect(code, `seed ${seed}: ${errors}`).toBeNull();
        expect(wrongClaim(join(home.cache, "models--org--killed/blobs", digest(content)), content)).toBeUndefined();
        expect(existsSync(join(home.cache, "models--org--killed/snapshots"))).toBe(false);
      }
      limit = Infinity;
      child = startPull("org/killed", home);
      const { code, errors } = await child.ended;
      hub.rules.length = 0;
      expect(code, `seed ${seed}: ${errors}`).toBe(0);
      expect(killed).toBe(kills);
      const path = home.store.find("org/killed")?.path ?? "";
      expect(digest(readFileSync(path)), `seed ${seed}`).toBe(digest(content));
    },
  );

  it("shares the work with another one: together they fetch everything once", { timeout: 60_000 }, async () => {
    const content = patternBytes(3 * 2 ** 20, 12);
    hub.commit("org/both", { "m.gguf": content, "n-Q8_0.gguf": "x" });
    const home = createHome(hub);
    const since = hub.seen.length;
    // The first bytes are held back until both processes want them.
    let release: () => void = () => {};
    const both = new Promise<void>((done) => (release = done));
    let waiting = 0;
    const countWaiting = ({ url }: SeenRequest): undefined => {
      if (url.includes("/tree/")) waiting += 1;
      if (waiting === 2) release();
    };
    hub.rules.push(countWaiting);
    const children = [startPull("hf:org/both/m.gguf", home), startPull("hf:org/both/m.gguf", home)];
    await both;
    const results = await Promise.all(children.map(({ ended }) => ended));
    hub.rules.length = 0;
    for (const { code, errors } of results) expect(code, errors).toBe(0);
    const asked = hub.seen
      .slice(since)
      .filter(fromStore)
      .map(({ range }) => range);
    expect(asked).toHaveLength(new Set(asked).size);
    expect(digest(readFileSync(home.store.find("org/both/m.gguf")?.path ?? ""))).toBe(digest(content));
  });
});

const python = process.env["HF_HUB_PYTHON"] ?? "python3";
const reference = requirement(hasReference(), "Python with huggingface_hub");

function hasReference(): boolean {
  try {
    execFileSync(python, ["-c", "import huggingface_hub"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!reference.isMet)(`beside Python's huggingface_hub${reference.note}`, () => {
  const files = {
    "config.json": "{}",
    "tokenizer.json": '{"a":1}',
    "1_Pooling/config.json": '{"b":2}',
    "onnx/model.onnx": Buffer.from([0x12, 1, 120]),
  };
  const run = async (code: string, home: PullHome, variables: Readonly<Record<string, string>> = {}) => {
    const env = { ...home.environment, HF_HUB_DOWNLOAD_TIMEOUT: "10", HF_HUB_DISABLE_TELEMETRY: "1", ...variables };
    const { stdout } = await promisify(execFile)(python, ["-c", code], { env });
    return JSON.parse(stdout) as unknown;
  };

  it("its offline mode finds everything that was pulled, and its scan finds nothing wrong", async () => {
    hub.commit("org/ours", files);
    const home = createHome(hub);
    const { model } = await pull("org/ours", { home });
    const code = [
      "import json, huggingface_hub as h",
      "path = h.snapshot_download('org/ours')",
      "one = h.hf_hub_download('org/ours', 'onnx/model.onnx')",
      "scan = h.scan_cache_dir()",
      "repo = next(iter(scan.repos))",
      "print(json.dumps([path, one, repo.repo_id, repo.nb_files, sorted(repo.refs), [str(w) for w in scan.warnings]]))",
    ].join("\n");
    expect(await run(code, home, { HF_HUB_OFFLINE: "1" })).toEqual([
      model?.path,
      join(model?.path ?? "", "onnx/model.onnx"),
      "org/ours",
      4,
      ["main"],
      [],
    ]);
  });

  it("what it has fetched is found without network, and fetched no second time with it", async () => {
    hub.commit("org/theirs", files);
    const home = createHome(hub);
    await run("import json, huggingface_hub as h; print(json.dumps(h.snapshot_download('org/theirs')))", home);
    const offline = { ...home, environment: { ...home.environment, HF_HUB_OFFLINE: "1" } };
    const { model, failure } = await pull("org/theirs", { home: offline });
    expect(failure).toBeUndefined();
    expect(existsSync(join(model?.path ?? "", "onnx/model.onnx"))).toBe(true);
    const since = hub.seen.length;
    await pull("org/theirs", { home });
    expect(hub.seen.slice(since).filter(({ url }) => !url.startsWith("/api/"))).toEqual([]);
    expect(home.store.find("org/theirs")?.files.every(({ isOurs }) => !isOurs)).toBe(true);
  });
});

/** A range that the journal of a partial file claims and its data lack. */
function wrongClaim(blob: string, content: Buffer): unknown {
  if (!existsSync(`${blob}.hearth-part.json`)) return undefined;
  const { done } = JSON.parse(readFileSync(`${blob}.hearth-part.json`, "utf8")) as { done: [number, number][] };
  const data = readFileSync(`${blob}.hearth-part`);
  return done.find(([start, end]) => !data.subarray(start, end).equals(content.subarray(start, end)));
}

/** As many numbers of bytes as there are kills, from a seed. */
function killPlaces({ seed, most }: { readonly seed: number; readonly most: number }): number[] {
  let state = seed || 1;
  return Array.from({ length: kills }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % Math.floor(most);
  });
}
