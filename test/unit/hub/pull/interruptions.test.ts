import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeHub, type SeenRequest } from "../../../support/hub/fake-hub.ts";
import { patternBytes } from "../../../support/hub/fake-repository.ts";
import { createHome, pull, type PullHome, type PullResult } from "../../../support/hub/pull-under-test.ts";

let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.start();
});
afterAll(() => hub.close());

const content = patternBytes(200_000, 7);
const sha256 = createHash("sha256").update(content).digest("hex");
/** Every test has a repository of its own, with the same file. */
let count = 0;
function repository(): { readonly name: string; readonly home: PullHome } {
  hub.rules.length = 0;
  count += 1;
  const name = `org/broken-${count}`;
  hub.commit(name, { "m.gguf": content });
  return { name, home: createHome(hub) };
}

const fromStore = ({ host, method }: SeenRequest) => host === "store" && method === "GET";
const fromHub = ({ host }: SeenRequest) => host === "hub";
const questions = ({ url }: SeenRequest) => url.startsWith("/api/");

function expectComplete({ model, failure }: PullResult): void {
  expect(failure).toBeUndefined();
  expect(
    createHash("sha256")
      .update(readFileSync(model?.path ?? ""))
      .digest("hex"),
  ).toBe(sha256);
  expect(readdirSync(join(model?.path ?? "", "../../../blobs"))).toEqual([sha256]);
}

function bytesAsked(since: number): number {
  return hub.seen
    .slice(since)
    .filter(fromStore)
    .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? ["", "0", String(content.length - 1)])
    .reduce((sum, [, start, end]) => sum + Number(end) - Number(start) + 1, 0);
}

describe("a transfer that is interrupted", () => {
  it("goes on from the byte at which the connection broke", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { cutAfter: 20_000 }, 3);
    const since = hub.seen.length;
    const result = await pull(name, { home, connections: 1 });
    expectComplete(result);
    expect(bytesAsked(since)).toBeLessThan(content.length + 3 * 65_536);
    expect(result.events.filter(({ type }) => type === "retry")).toHaveLength(3);
  });

  it("goes on for as long as every attempt brings something", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { cutAfter: 5_000 }, 39);
    expectComplete(await pull(name, { home, connections: 1 }));
  });

  it("is given up after five attempts in a row that brought nothing, and what was fetched is kept", async () => {
    const { name, home } = repository();
    hub.fail(({ range, ...rest }) => fromStore({ range, ...rest }) && range !== "bytes=0-65535", { cutAfter: 0 }, 100);
    const { failure, pauses } = await pull(name, { home, connections: 1 });
    expect(failure).toMatchObject({
      reason: "unreachable",
      message: `m.gguf could not be fetched: 5 attempts in a row brought nothing. ${hub.storeHost} cannot be reached: it has ended the connection.`,
      remedy: "What has been fetched is kept: the same command goes on from there.",
    });
    expect(pauses).toEqual([500, 1000, 2000, 4000]);
    hub.rules.length = 0;
    const since = hub.seen.length;
    expectComplete(await pull(name, { home }));
    expect(bytesAsked(since)).toBe(content.length - 65_536);
  });

  it("is taken up again where the server has fallen silent", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { stallAfter: 30_000 });
    const result = await pull(name, { home, connections: 1 });
    expectComplete(result);
    expect(result.events).toContainEqual(
      expect.objectContaining({ type: "retry", message: `${hub.storeHost} sent nothing for too long.` }),
    );
  });

  it("starts again where a range is answered with everything", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { ignoreRange: true }, 100);
    expectComplete(await pull(name, { home }));
  });

  it("starts again, and at last gives up, where everything comes each time and is cut at the same place", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { ignoreRange: true, cutAfter: 40_000 }, 100);
    const { failure } = await pull(name, { home });
    expect(failure?.message).toContain("5 attempts in a row brought nothing");
  });

  it("goes on in another process from what the first one has noted", async () => {
    const { name, home } = repository();
    const controller = new AbortController();
    hub.fail(({ range, ...rest }) => fromStore({ range, ...rest }) && range === "bytes=131072-196607", {
      stallAfter: 20_000,
    });
    const stopped = pull(name, {
      home,
      connections: 1,
      signal: controller.signal,
      onEvent: ({ type }) => {
        // The stall is told as a retry: by then two pieces and a part of the third are here.
        if (type === "retry") controller.abort(new Error("stopped"));
      },
    });
    await expect(stopped).rejects.toThrow("stopped");
    expect(existsSync(join(home.cache, `models--${name.replace("/", "--")}`, "snapshots"))).toBe(false);
    expect(home.store.find(name)).toMatchObject({ isComplete: false, files: [{ isOurs: true }] });
    const since = hub.seen.length;
    const result = await pull(name, { home });
    expectComplete(result);
    expect(bytesAsked(since)).toBe(content.length - 2 * 65_536 - 20_000);
    expect(home.store.find(name)).toMatchObject({ isComplete: true, files: [{ isOurs: true }] });
  });

  it("fetches once more what was wrong, and says so", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { wrongBytes: true });
    const result = await pull(name, { home });
    expectComplete(result);
    expect(result.events).toContainEqual({
      type: "note",
      message: "m.gguf arrived with wrong content and is fetched once more.",
    });
  });

  it("refuses wrong bytes of the right length when they come twice, and keeps none", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { wrongBytes: true }, 100);
    const { failure } = await pull(name, { home });
    expect(failure).toMatchObject({
      reason: "checksum",
      message: expect.stringMatching(
        new RegExp(`^m\\.gguf arrived twice with wrong content: its sha256 is [0-9a-f]{64}, and not ${sha256}\\.$`),
      ) as string,
    });
    expect(readdirSync(join(home.cache, `models--${name.replace("/", "--")}`, "blobs"))).toEqual([]);
  });

  it("asks again for what an answer lacks that is shorter than it should be", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { shorterBy: 1000 }, 2);
    expectComplete(await pull(name, { home }));
  });

  it("finds a new address where the signed one has expired", async () => {
    const { name, home } = repository();
    const since = hub.seen.length;
    const result = await pull(name, {
      home,
      connections: 1,
      onEvent: ({ type }) => {
        // The first count comes with the first bytes, under the first address.
        if (type === "bytes" && hub.seen.slice(since).filter(fromStore).length === 1) hub.expireAddresses();
      },
    });
    expectComplete(result);
    expect(hub.seen.slice(since).filter(({ method }) => method === "HEAD").length).toBe(2);
  });

  it("gives up where every new address is refused, without telling the address", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { status: 403, body: "no" }, 100);
    const { failure, events } = await pull(name, { home });
    expect(failure?.message).toContain(`${hub.storeHost} refuses the address of m.gguf (HTTP 403).`);
    expect(JSON.stringify([failure?.message, events])).not.toContain("signature");
  });

  it("waits as long as a limit on requests asks for, by either header", async () => {
    const { name, home } = repository();
    hub.fail(questions, { status: 429, headers: { "retry-after": "7" } });
    hub.fail(questions, { status: 429, headers: { ratelimit: '"api";r=0;t=55' } });
    const result = await pull(name, { home });
    expectComplete(result);
    expect(result.pauses).toEqual([7000, 55_000]);
  });

  it("says how long a limit lasts where it does not end", async () => {
    const { name, home } = repository();
    hub.fail(questions, { status: 429, headers: { "retry-after": "600" } }, 100);
    const { failure, pauses } = await pull(name, { home });
    expect(failure).toMatchObject({
      reason: "rate-limited",
      message: expect.stringContaining("again in 600 s") as string,
    });
    expect(pauses).toEqual([300_000, 300_000, 300_000]);
  });

  it.each([500, 503])("tries again after HTTP %i, of the hub and of the host of the bytes", async (status) => {
    const { name, home } = repository();
    hub.fail(fromHub, { status }, 3);
    hub.fail(fromStore, { status }, 2);
    expectComplete(await pull(name, { home }));
  });

  it("refuses a content that is not the one of the listing", async () => {
    const { name, home } = repository();
    hub.fail(({ method }) => method === "HEAD", { headers: { "x-linked-etag": `"${"0".repeat(64)}"` } });
    const { failure } = await pull(name, { home });
    expect(failure).toMatchObject({
      reason: "protocol",
      message: `${hub.endpoint} offers another m.gguf of ${name} than it listed a moment ago.`,
    });
  });

  it("refuses a file that has become shorter, and asks for no byte behind its end for ever", async () => {
    const { name, home } = repository();
    hub.fail(fromStore, { status: 416, headers: { "content-range": "bytes */10" } });
    const { failure } = await pull(name, { home });
    expect(failure).toMatchObject({ reason: "protocol", message: expect.stringContaining("another size") as string });
  });

  it("does not take up bytes of another content", async () => {
    const { name, home } = repository();
    hub.fail(({ range, ...rest }) => fromStore({ range, ...rest }) && range !== "bytes=0-65535", { cutAfter: 0 }, 100);
    await pull(name, { home, connections: 1 });
    hub.rules.length = 0;
    const other = patternBytes(200_000, 8);
    hub.commit(name, { "m.gguf": other });
    const { model } = await pull(name, { home });
    expect(readFileSync(model?.path ?? "").equals(other)).toBe(true);
  });
});

describe("a small file", () => {
  const text = "x".repeat(5000);

  it.each([
    ["that comes compressed and without a length", { gzip: true } as const],
    ["whose entity tag is weak", { headers: {} }],
    ["that is cut in the middle", { cutAfter: 2000 }],
  ])("%s is complete in the end", async (_, fault) => {
    const { home } = repository();
    const name = `org/small-${count}`;
    hub.commit(name, { "config.json": text, "tokenizer.json": "{}", "model.onnx": Buffer.from([0x12, 1, 120]) });
    hub.fail(({ url, method }) => url.includes("config.json") && method === "GET", fault);
    const tag = hub.repositories.get(name)?.commits.values().next().value?.[0]?.tag ?? "";
    hub.fail(({ url, method }) => url.includes("config.json") && method === "HEAD", {
      headers: { etag: `W/"${tag}"` },
    });
    const { model, failure } = await pull(name, { home });
    expect(failure).toBeUndefined();
    expect(readFileSync(join(model?.path ?? "", "config.json"), "utf8")).toBe(text);
  });
});
