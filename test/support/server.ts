// A whole server on a real port, with real runners, for end-to-end tests.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer, type RunningServer } from "../../src/app.ts";
import { loadConfiguration } from "../../src/config/load-configuration.ts";

export interface TestServerOptions {
  /** The configuration file's text; left out = the bundled default. */
  readonly yaml?: string;
  /** As on the command line, e.g. `{ model: ["stories=/path"] }`. */
  readonly flags?: Readonly<Record<string, readonly string[]>>;
}

export interface TestServer extends RunningServer {
  /** Base URL as an SDK wants it. */
  readonly baseURL: string;
}

/** Starts a server on a free port; the log is silent and the cache is its own. `close` removes what it wrote. */
export async function startTestServer({ yaml, flags = {} }: TestServerOptions = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), "hearth-test-"));
  const file = join(directory, "config.yaml");
  if (yaml !== undefined) await writeFile(file, yaml);
  const configuration = loadConfiguration({
    ...(yaml === undefined ? {} : { file }),
    flags: { port: ["0"], "log-level": ["silent"], "cache-directory": [join(directory, "cache")], ...flags },
    environment: {},
    cwd: directory,
  });
  const server = await startServer(configuration);
  return {
    url: server.url,
    baseURL: `${server.url}/v1`,
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
