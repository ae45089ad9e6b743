// Starts the reference, the llama-server binary in LLAMA_SERVER_BIN, on one model, and asks it over HTTP.

import { spawn } from "node:child_process";
import { createServer } from "node:net";

import { Agent, fetch } from "undici";

/** The reference's flags, which the golden files name. `-t 1` and one slot keep the shape of every batch the same. */
export const serverFlags = ["-t", "1", "-np", "1", "-fa", "off", "--no-warmup", "--jinja"] as const;

/** A long prompt on few cores takes longer than the five minutes after which `fetch` gives up. */
const patient = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

export interface ReferenceServer {
  /** Posts JSON and returns the answer; one with an error status too. */
  ask(path: string, body: object): Promise<{ readonly status: number; readonly body: unknown }>;
  stop(): Promise<void>;
}

export interface ReferenceOptions {
  readonly model: string;
  readonly flags?: readonly string[];
}

/** Starts the server and resolves when it has loaded the model. @throws Error with its last output when it ends instead */
export async function startReference({ model, flags = [] }: ReferenceOptions): Promise<ReferenceServer> {
  const binary = process.env["LLAMA_SERVER_BIN"];
  if (binary === undefined)
    throw new Error("LLAMA_SERVER_BIN must name a llama-server binary (scripts/goldens/README.md).");
  const port = await freePort();
  const child = spawn(binary, ["-m", model, ...serverFlags, ...flags, "--host", "127.0.0.1", "--port", String(port)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", () => resolve());
  });
  const url = `http://127.0.0.1:${port}`;
  const state = { ended: false };
  const note = (): void => {
    state.ended = true;
  };
  ended.then(note, note);
  while (!(await isHealthy(url))) {
    if (state.ended) throw new Error(`llama-server ended while it was loading ${model}:\n${words}`);
  }
  return {
    async ask(path, body) {
      const headers = { "content-type": "application/json" };
      const dispatcher = patient;
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        dispatcher,
      });
      return { status: response.status, body: await response.json() };
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Whether the server is ready; if not, it waits a tenth of a second before it returns. */
async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`);
    if (response.ok) return true;
  } catch {
    // Not listening yet.
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  return false;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
