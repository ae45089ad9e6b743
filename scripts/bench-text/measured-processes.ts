// Starts and ends the two processes that overhead.ts compares: a whole server, and the bare decode.
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { BareModel, BareRound } from "./bare-decode.ts";

export interface ServerProcess {
  readonly processId: number;
  /** e.g. `http://127.0.0.1:40213/v1` */
  readonly baseUrl: string;
  stop(): Promise<void>;
}

export interface BareProcess {
  readonly model: BareModel;
  round(): Promise<BareRound>;
  stop(): Promise<void>;
}

/** As in app.ts (`runnerEnvironments`, text). */
const runnerEnvironment = {
  UV_THREADPOOL_SIZE: "1",
  GLIBC_TUNABLES: [process.env["GLIBC_TUNABLES"], "glibc.malloc.hugetlb=1"].filter(Boolean).join(":"),
};

/** Resolves when the server has printed where it listens. `built` = run `dist/`, as `npm run build` wrote it. */
export async function startServerProcess(file: string, { built }: { built: boolean }): Promise<ServerProcess> {
  const entry = fileURLToPath(new URL(built ? "../../dist/main.js" : "../../src/main.ts", import.meta.url));
  const child = spawn(process.execPath, [...(built ? [] : ["--import", "tsx"]), entry, "--config", file], {
    stdio: ["ignore", "pipe", "pipe"],
    env: withoutSettings(process.env),
  });
  let lastLine = "";
  createInterface({ input: child.stderr }).on("line", (line) => (lastLine = line));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  const baseUrl = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The server ended with exit code ${code}: ${lastLine}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const address = /listens on (http:\S+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
  return { processId: child.pid ?? 0, baseUrl, stop };
}

/** Resolves when the model is loaded. */
export async function startBareProcess(file: string, tokens: number): Promise<BareProcess> {
  const child = fork(new URL("./bare-decode.ts", import.meta.url), [file, String(tokens)], {
    execArgv: ["--import", "tsx"],
    env: { ...process.env, ...runnerEnvironment },
  });
  const model = await nextMessage<BareModel>(child);
  return {
    model,
    round() {
      const round = nextMessage<BareRound>(child);
      child.send("round");
      return round;
    },
    async stop() {
      if (!child.connected) return;
      child.disconnect();
      await once(child, "exit");
    },
  };
}

/** The child's next message. @throws Error when it ends instead */
function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (code: number | null): void => reject(new Error(`The bare decode ended with exit code ${code}.`));
    child.once("exit", end);
    child.once("message", (message) => {
      child.off("exit", end);
      resolve(message as T);
    });
  });
}

/** The environment without Hearth's variables, so that the configuration file alone decides. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("HEARTH_"))),
    NO_COLOR: "1",
  };
}
