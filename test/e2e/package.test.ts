// The package as its users get it: packed, installed by npm into an empty folder, and served from there. The installation
// takes 1.3 GB on the disk while the test runs.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { version } from "../../src/version.ts";
import { npmCommand } from "../support/npm.ts";
import { copyPackage } from "../support/package-copy.ts";
import { freePort, isListening, poll } from "../support/processes.ts";

const limitMs = 300_000;
/** Why npm cannot reach a registry; `null` where it can. */
const offline = await npm(tmpdir(), "ping", "--fetch-retries=0", "--fetch-timeout=10000").then(() => null, String);

/**
 * Runs npm as a stranger would: without what `npm test` hands down, and without a setting for onnxruntime-node's download.
 * Returns its standard output.
 */
async function npm(cwd: string, ...args: string[]): Promise<string> {
  const [program, ...leading] = npmCommand;
  const ours = /^npm_(?!config_)|^npm_config_(?:local_prefix|onnxruntime|allow_scripts)|^ONNXRUNTIME_/i;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  return (await promisify(execFile)(program, [...leading, ...args], { cwd, env, maxBuffer: 2 ** 26 })).stdout;
}

const reason = offline === null ? "" : ` (skipped, as npm reaches no registry: ${/npm err.*/i.exec(offline)?.[0]})`;
describe.skipIf(offline !== null)(`the package in an empty folder${reason}`, () => {
  let folder: string;
  let installed: string;
  beforeAll(async () => {
    const copy = await copyPackage();
    folder = await mkdtemp(join(tmpdir(), "hearth-installed-"));
    try {
      await npm(copy.folder, "pack", "--pack-destination", folder);
    } finally {
      await copy.remove();
    }
    const consumer = join(folder, "consumer");
    await mkdir(consumer);
    const [tarball = "none"] = await readdir(folder).then((names) => names.filter((name) => name.endsWith(".tgz")));
    await npm(consumer, "install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, tarball));
    installed = join(consumer, "node_modules");
  }, limitMs);
  afterAll(() => rm(folder, { recursive: true, force: true }), limitMs);

  it("serves the bundled models by its command, and stops when asked", { timeout: limitMs }, async () => {
    const port = await freePort();
    const { name, bin } = JSON.parse(await readFile(join(installed, "hearth-server", "package.json"), "utf8")) as {
      readonly name: string;
      readonly bin: { readonly hearth: string };
    };
    const server = startServer([join(installed, name, bin.hearth), "--port", String(port)], folder);
    try {
      await poll(() => isListening(port), { what: "the server listens" });
      const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "unused", maxRetries: 0 });

      const models = await client.models.list();
      expect(models.data.map(({ id }) => id)).toEqual(
        expect.arrayContaining(["tiny-chat", "tiny-embed", "tiny-image"]),
      );
      const chat = await client.chat.completions.create({
        model: "tiny-chat",
        messages: [{ role: "user", content: "Please say hello." }],
        max_tokens: 8,
      });
      expect(chat.usage?.completion_tokens).toBeGreaterThan(0);
      const embedding = await client.embeddings.create({ model: "tiny-embed", input: "A fireplace." });
      expect(embedding.data[0]?.embedding.length).toBeGreaterThan(0);
      const image = await client.images.generate({ model: "tiny-image", prompt: "A lighthouse", size: "256x256" });
      expect(image.data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/);

      const ended = once(server, "exit");
      server.kill("SIGTERM");
      expect(await ended).toEqual(process.platform === "win32" ? [null, "SIGTERM"] : [0, null]);
    } finally {
      server.kill("SIGKILL");
    }
  });

  it("answers to npx by the names of its command and of the package", async () => {
    for (const name of ["hearth", "hearth-server"]) {
      expect(await npm(join(installed, ".."), "exec", "--offline", "--", name, "--version")).toBe(`${version}\n`);
    }
  });
});

function startServer(args: readonly string[], cwd: string): ChildProcess {
  const cache = join(cwd, "cache");
  return spawn(process.execPath, [...args, "--log-level", "error", "--cache-directory", cache], {
    cwd,
    stdio: "ignore",
  });
}
