import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeHub, type SeenRequest } from "../../../support/hub/fake-hub.ts";
import { patternBytes } from "../../../support/hub/fake-repository.ts";
import { createHome, pull } from "../../../support/hub/pull-under-test.ts";

const content = patternBytes(150_000);
const sha256 = createHash("sha256").update(content).digest("hex");

// The hub's host of large files serves here as any web server; another one has what it lacks.
let hub: FakeHub;
let other: Server;
let base: string;
beforeAll(async () => {
  hub = await FakeHub.start();
  hub.commit("org/x", { "m.gguf": content });
  other = createServer((request, response) => {
    const path = request.url ?? "";
    const store = `http://${hub.storeHost}/${sha256}?signature=${Date.now()}`;
    if (path.startsWith("/moved/")) response.writeHead(302, { location: `/again${path}` }).end();
    else if (path.startsWith("/again/")) response.writeHead(302, { location: store }).end();
    else if (path.startsWith("/chunked/")) {
      response.writeHead(200);
      response.end(request.method === "HEAD" ? undefined : content);
    } else if (path.startsWith("/get-only/") && request.method === "HEAD") response.writeHead(403).end();
    else if (path.startsWith("/get-only/")) response.writeHead(302, { location: store }).end();
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(other, "listening");
  base = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
});
afterAll(async () => {
  other.closeAllConnections();
  other.close();
  await hub.close();
});

const fromStore = ({ host, method }: SeenRequest) => host === "store" && method === "GET";

describe("a pull from an address", () => {
  it.each(["moved", "chunked", "get-only"])("whose server has it %s has the file in the store", async (path) => {
    const home = createHome(hub, { HF_TOKEN: "hf_secret" });
    const since = hub.seen.length;
    const { model, failure, events } = await pull(`${base}/${path}/my%20model.gguf`, { home });
    expect(failure).toBeUndefined();
    expect(model).toMatchObject({ name: "my model", bytes: 150_000, commit: null });
    expect(readFileSync(model?.path ?? "").equals(content)).toBe(true);
    expect(readdirSync(home.store.incompleteFolder)).toEqual([]);
    expect(events).toContainEqual({
      type: "note",
      message: `No digest was given to check it by. It has #sha256=${sha256}`,
    });
    expect(hub.seen.slice(since).every(({ token }) => token === null)).toBe(true);
  });

  it("is checked by the digest that was given", async () => {
    const right = await pull(`${base}/moved/m.gguf#sha256=${sha256}`, { home: createHome(hub) });
    expect(right.model?.bytes).toBe(150_000);
    const wrong = await pull(`${base}/moved/m.gguf#sha256=${"0".repeat(64)}`, { home: createHome(hub) });
    expect(wrong.failure?.reason).toBe("checksum");
  });

  it("goes on in another process, after asking for a new address", async () => {
    const home = createHome(hub);
    hub.rules.length = 0;
    hub.fail((request) => fromStore(request) && request.range !== "bytes=0-65535", { cutAfter: 0 }, 100);
    const first = await pull(`${base}/moved/m.gguf`, { home, connections: 1 });
    expect(first.failure?.remedy).toContain("is kept");
    hub.rules.length = 0;
    const since = hub.seen.length;
    const second = await pull(`${base}/moved/m.gguf`, { home });
    expect(readFileSync(second.model?.path ?? "").equals(content)).toBe(true);
    expect(
      hub.seen
        .slice(since)
        .filter(fromStore)
        .map(({ range }) => range ?? "whole")
        .toSorted(),
    ).toEqual(["bytes=131072-149999", "bytes=65536-131071"]);
  });

  it.each([
    ["/gone/m.gguf", "missing-file", /has no such file \(HTTP 404\)\.$/],
    ["/moved/model.bin", "unsupported", /is not the address of a \.gguf file\.$/],
    ["/moved/m-00001-of-00002.gguf", "unsupported", /is one part of several\.$/],
  ])("%s is refused as %s", async (path, reason, message) => {
    const { failure } = await pull(`${base}${path}`, { home: createHome(hub) });
    expect(failure).toMatchObject({ reason, message: expect.stringMatching(message) as string });
  });
});
