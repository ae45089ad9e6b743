import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planRemoval, removeModel } from "../../../../src/hub/store/remove-model.ts";
import { FakeHub, type SeenRequest } from "../../../support/hub/fake-hub.ts";
import { patternBytes } from "../../../support/hub/fake-repository.ts";
import { createHome, pull, type PullHome } from "../../../support/hub/pull-under-test.ts";

let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.start();
});
afterAll(() => hub.close());

const files = { "m-Q4_K_M.gguf": patternBytes(1000, 1), "m-Q8_0.gguf": patternBytes(2000, 2) };
const root = (home: PullHome, name: string) => join(home.cache, `models--${name.replace("/", "--")}`);
const blobs = (home: PullHome, name: string) =>
  existsSync(root(home, name)) ? readdirSync(join(root(home, name), "blobs")) : [];

async function remove(home: PullHome, name: string) {
  const model = home.store.find(name);
  if (model === undefined) throw new Error(`${name} was not pulled.`);
  return await removeModel(model, home.store);
}

describe("removing a model", () => {
  it("takes away what was fetched, and the repository's folder when nothing is left in it", async () => {
    const home = createHome(hub);
    hub.commit("org/a", files);
    await pull("org/a", { home });
    expect(await remove(home, "org/a")).toMatchObject({ bytes: 1000, foreign: [], shared: [] });
    expect(existsSync(root(home, "org/a"))).toBe(false);
    expect(home.store.list()).toEqual([]);
  });

  it("leaves another variant of the same repository in place", async () => {
    const home = createHome(hub);
    hub.commit("org/b", files);
    await pull("org/b", { home });
    await pull("org/b:Q8_0", { home });
    await remove(home, "org/b");
    expect(blobs(home, "org/b")).toHaveLength(1);
    expect(existsSync(home.store.find("org/b:Q8_0")?.path ?? "")).toBe(true);
  });

  it("leaves what another pulled model has too", async () => {
    const home = createHome(hub);
    hub.commit("org/c", files);
    await pull("org/c", { home });
    await pull("org/c", { home, name: "second" });
    expect(await remove(home, "org/c")).toMatchObject({ bytes: 0, shared: [{ bytes: 1000 }] });
    expect(await remove(home, "second")).toMatchObject({ bytes: 1000 });
    expect(existsSync(root(home, "org/c"))).toBe(false);
  });

  it("leaves a content to which the snapshot of another commit links", async () => {
    const home = createHome(hub);
    const first = hub.commit("org/d", files);
    await pull(`hf:org/d@${first}`, { home, name: "first" });
    hub.commit("org/d", { ...files, "README.md": "new" });
    await pull("org/d", { home });
    expect(await remove(home, "first")).toMatchObject({ bytes: 0, contents: [] });
    expect(existsSync(home.store.find("org/d")?.path ?? "")).toBe(true);
    expect(await remove(home, "org/d")).toMatchObject({ bytes: 1000 });
  });

  it("leaves what another tool had fetched before", async () => {
    const home = createHome(hub);
    hub.commit("org/e", files);
    await pull("org/e", { home });
    // Without our record the content is as another tool would have left it.
    home.store.remove("org/e");
    await pull("org/e", { home });
    expect(await remove(home, "org/e")).toMatchObject({ bytes: 0, foreign: [{ bytes: 1000 }] });
    expect(blobs(home, "org/e")).toHaveLength(1);
  });

  it("takes away what a pull has left that was interrupted, its partial file too", async () => {
    const home = createHome(hub);
    hub.commit("org/f", { "m.gguf": patternBytes(200_000, 3) });
    hub.fail(({ host, range }: SeenRequest) => host === "store" && range !== "bytes=0-65535", { cutAfter: 0 }, 100);
    await pull("org/f", { home, connections: 1 });
    hub.rules.length = 0;
    expect(blobs(home, "org/f").map((name) => name.slice(64))).toEqual([".hearth-part", ".hearth-part.json"]);
    await remove(home, "org/f");
    expect(existsSync(root(home, "org/f"))).toBe(false);
  });

  it("takes away the earlier commit of a model that was pulled anew", async () => {
    const home = createHome(hub);
    hub.commit("org/g", files);
    await pull("org/g", { home });
    hub.commit("org/g", { "m-Q4_K_M.gguf": patternBytes(3000, 9) });
    await pull("org/g", { home });
    expect(planRemoval(home.store.find("org/g") ?? fail(), home.store).bytes).toBe(4000);
    await remove(home, "org/g");
    expect(existsSync(root(home, "org/g"))).toBe(false);
  });

  it("works where the files are gone already", async () => {
    const home = createHome(hub);
    hub.commit("org/h", files);
    await pull("org/h", { home });
    rmSync(root(home, "org/h"), { recursive: true });
    expect(await remove(home, "org/h")).toMatchObject({ bytes: 0 });
    expect(home.store.list()).toEqual([]);
  });
});

function fail(): never {
  throw new Error("There is no such model.");
}
