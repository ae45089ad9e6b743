// A whole server on a real port, with real runners, for end-to-end tests.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer, type RunningServer } from "../../src/app.ts";
import { loadConfiguration } from "../../src/config/load-configuration.ts";
import { temporaryFolder } from "./temporary-folder.ts";

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

/** Starts a server on a free port; the log is silent and the cache is its own. */
export async function startTestServer({ yaml, flags = {} }: TestServerOptions = {}): Promise<TestServer> {
  const directory = temporaryFolder("server");
  const file = join(directory, "config.yaml");
  if (yaml !== undefined) await writeFile(file, yaml);
  const configuration = loadConfiguration({
    ...(yaml === undefined ? {} : { file }),
    flags: {
      port: ["0"],
      "log-level": ["silent"],
      "cache-directory": [join(directory, "cache")],
      // What a test expects must depend neither on the machine's GPU nor on what its user has pulled.
      gpu: ["off"],
      "store-directory": [join(directory, "store")],
      ...flags,
    },
    environment: {},
    cwd: directory,
  });
  const server = await startServer(configuration);
  return {
    url: server.url,
    baseURL: `${server.url}/v1`,
    close: () => server.close(),
  };
}
