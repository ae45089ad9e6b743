// The prompt cache through a server's real end: what was evaluated before SIGTERM is not evaluated again by the next process.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, isListening, poll } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const repository = resolve(import.meta.dirname, "../..");
const words = ["river", "mountain", "town", "road", "green", "old", "walks", "near", "the", "of"];
const prompt = Array.from({ length: 400 }, (_, index) => words[(index * 7 + ((index * index) % 13)) % 10]).join(" ");

interface Answer {
  readonly choices: readonly { readonly text: string }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

describe.skipIf(process.platform === "win32")("a server that is stopped by SIGTERM and started again", () => {
  let server: ChildProcess | undefined;
  afterEach(() => {
    server?.kill("SIGKILL");
  });

  async function start(cache: string): Promise<string> {
    const port = await freePort();
    const flags = ["--port", String(port), "--log-level", "error", "--cache-directory", cache];
    server = spawn(process.execPath, ["--import", "tsx", join(repository, "src/main.ts"), ...flags], {
      cwd: repository,
      stdio: "ignore",
    });
    await poll(() => isListening(port), { what: "the server listens" });
    return `http://127.0.0.1:${port}/v1/completions`;
  }

  async function ask(url: string): Promise<Answer> {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "tiny-chat", prompt, max_tokens: 8, temperature: 0 }),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as Answer;
  }

  it("answers a long prompt again without evaluating it", async () => {
    const cache = join(temporaryFolder("restart"), "cache");
    const before = await ask(await start(cache));
    expect(before.usage.prompt_tokens_details.cached_tokens).toBe(0);
    const ended = once(server as ChildProcess, "exit");
    server?.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);

    const after = await ask(await start(cache));
    const { prompt_tokens: tokens, prompt_tokens_details: details } = after.usage;
    expect(tokens).toBeGreaterThan(300);
    expect(details.cached_tokens).toBeGreaterThan(tokens - 8);
    expect(after.choices[0]?.text).toBe(before.choices[0]?.text);
  });
});
