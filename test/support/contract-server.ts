// One server per test file of the contract: started once, closed at the end, with a client on it.
import { afterAll, beforeAll } from "vitest";
import { createContractClient, type ContractClient } from "./contract-client.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "./server.ts";

/** The client of this file's server; usable inside tests and hooks. */
export function useContractServer(options: TestServerOptions = {}): ContractClient {
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
  return {
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
}
