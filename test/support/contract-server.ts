// A server for the tests of one file, started before them and closed after them, with a client for it.
import { afterAll, beforeAll } from "vitest";
import { createContractClient, type ContractClient } from "./contract-client.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "./server.ts";

const bundled: TestServerOptions = {};
const shared = new Map<TestServerOptions, ContractClient>();

/**
 * The client of a server that runs during this file, or during the `describe` around the call; usable inside tests and
 * hooks. Without options the bundled models are served, by one server for all check files that a test file imports.
 */
export function useContractServer(options: TestServerOptions = bundled): ContractClient {
  const known = shared.get(options);
  if (known !== undefined) return known;
  let server: TestServer | undefined;
  let client: ContractClient | undefined;
  beforeAll(async () => {
    server = await startTestServer(options);
    client = createContractClient(server.url);
  });
  afterAll(() => server?.close());
  const current = (): ContractClient => {
    if (client === undefined) throw new Error("The server of this file is not started yet.");
    return client;
  };
  const handle: ContractClient = {
    get url() {
      return current().url;
    },
    send: (path, init) => current().send(path, init),
    ok: (path, body) => current().ok(path, body),
    refused: (path, body, refusal) => current().refused(path, body, refusal),
    stream: (path, body) => current().stream(path, body),
    chat: (body) => current().chat(body),
    chatStream: (body) => current().chatStream(body),
    completion: (body) => current().completion(body),
    completionStream: (body) => current().completionStream(body),
  };
  if (options === bundled) shared.set(options, handle);
  return handle;
}
