import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { countKeptBytes, PartialFile, type ContentIdentity } from "../../../../src/hub/fetch/partial-file.ts";
import { createManualClock } from "../../../support/manual-clock.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const folder = temporaryFolder("partial");
const identity = { tag: "abc", bytes: 100 };
let count = 0;
const newPath = () => join(folder, `part-${++count}`);
const policy = (everyBytes: number, now = () => 0) => ({ everyBytes, everyMs: 1000, now });
const open = (path: string, content: ContentIdentity = identity) =>
  PartialFile.open({ path, identity: content, policy: policy(10) });

async function withTenBytes(path: string): Promise<void> {
  const file = await open(path);
  await file.write(40, Buffer.from("0123456789"));
  await file.close();
}

describe("a partial file", () => {
  it("goes on from the ranges that an earlier process has noted", async () => {
    const path = newPath();
    await withTenBytes(path);
    expect(await countKeptBytes(path, identity)).toBe(10);
    const again = await open(path);
    expect(again.done).toEqual([{ start: 40, end: 50 }]);
    await again.close();
    expect(readFileSync(path).subarray(40, 50).toString()).toBe("0123456789");
  });

  it.each([
    ["another tag", { tag: "abd", bytes: 100 }],
    ["another length", { tag: "abc", bytes: 101 }],
    ["no tag", { tag: null, bytes: 100 }],
  ])("with %s begins anew", async (_, other) => {
    const path = newPath();
    await withTenBytes(path);
    expect(await countKeptBytes(path, other)).toBe(0);
    const again = await open(path, other);
    expect(again.done).toEqual([]);
    await again.close();
  });

  it.each(["", "{", "[]", '{"format":2}', '{"format":1,"tag":"abc","bytes":100,"done":[["a",1]]}'])(
    "whose journal is %j begins anew",
    async (journal) => {
      const path = newPath();
      await withTenBytes(path);
      writeFileSync(`${path}.json`, journal);
      const again = await open(path);
      expect(again.done).toEqual([]);
      await again.close();
    },
  );

  it("believes no range that its data do not reach", async () => {
    const path = newPath();
    await withTenBytes(path);
    truncateSync(path, 45);
    const again = await open(path);
    expect(again.done).toEqual([{ start: 40, end: 45 }]);
    await again.close();
  });

  it("notes what it has after so many bytes, and after so much time", async () => {
    const path = newPath();
    const clock = createManualClock();
    const file = await PartialFile.open({ path, identity, policy: policy(10, clock.now) });
    await file.write(0, Buffer.alloc(9));
    expect(await countKeptBytes(path, identity)).toBe(0);
    await file.write(9, Buffer.alloc(1));
    expect(await countKeptBytes(path, identity)).toBe(10);
    clock.advance(1000);
    await file.write(10, Buffer.alloc(1));
    expect(await countKeptBytes(path, identity)).toBe(11);
    await file.close();
  });
});
