// An HTTP server whose answers a test decides.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { ServerClient, type ServerClientOptions } from "../../../src/bench/peers/server-client.ts";

export type Answering = (
  request: IncomingMessage & { readonly json: Record<string, unknown> },
  response: ServerResponse,
) => void | Promise<void>;

export interface FakeServer {
  readonly url: string;
  readonly client: (options?: Partial<ServerClientOptions>) => ServerClient;
  readonly close: () => Promise<void>;
}

export async function startFakeServer(answer: Answering): Promise<FakeServer> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const text = Buffer.concat(parts).toString();
      void answer(
        Object.assign(request, { json: JSON.parse(text === "" ? "{}" : text) as Record<string, unknown> }),
        response,
      );
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const clients: ServerClient[] = [];
  return {
    url,
    client: (options = {}) => {
      const client = new ServerClient({ url, model: "m", apiKey: null, extraBody: {}, ...options });
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) await client.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

export function sendEvents(response: ServerResponse, events: readonly unknown[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) response.write(`data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
  response.end();
}
