import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeHub } from "../../support/hub/fake-hub.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { ggufBytes } from "../config/model-folders.ts";
import { runCommandLine, type CommandLineOptions } from "./capture.ts";

let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.start();
  hub.commit("org/chat", { "m-Q4_K_M.gguf": Buffer.from(ggufBytes({ "general.architecture": "llama" })) });
  hub.repository("org/chat").license = "mit";
  hub.commit("org/gated", { "m.gguf": "x" });
  hub.repository("org/gated").acceptedBy = new Set();
});
afterAll(() => hub.close());

const home = temporaryFolder("cli-home");
const hearth = (args: readonly string[], options: CommandLineOptions = {}) =>
  runCommandLine(args, { ...options, environment: { HOME: home, HF_ENDPOINT: hub.endpoint, ...options.environment } });
const plain = (text: string) =>
  text
    .replaceAll(home, "~")
    .replaceAll(hub.endpoint, "HUB")
    .replaceAll(/[0-9a-f]{40}/g, "COMMIT");

describe("hearth pull", () => {
  it("tells on standard error what it does, and on standard output what is there now", async () => {
    const { exitCode, printed, warned } = await hearth(["pull", "org/chat", "--name", "chat"]);
    expect(exitCode).toBe(0);
    expect(plain(warned).split("\n")).toEqual([
      "Trying hf:org/chat",
      expect.stringMatching(/^Found at [0-9a-f]{12}; licence: mit, HUB\/org\/chat$/) as string,
      "1 file, 69 B",
      "100% 69 B of 69 B",
    ]);
    expect(plain(printed).split("\n")).toEqual([
      "chat is here: 69 B",
      "  ~/.cache/huggingface/hub/models--org--chat/snapshots/COMMIT/m-Q4_K_M.gguf",
      "  licence: mit, HUB/org/chat",
      "Serve it with: hearth serve",
      'and ask for the model "chat".',
    ]);
  });

  it("writes events as JSON for programs", async () => {
    const { printed, warned } = await hearth(["pull", "org/chat", "--json"]);
    const events = printed.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(warned).toBe("");
    expect(events.map(({ event }) => event)).toEqual(["source", "resolved", "planned", "bytes", "finished"]);
    expect(events[2]).toEqual({ event: "planned", files: 1, bytes: 69, bytes_present: 69 });
    expect(events.at(-1)).toMatchObject({ model: { name: "org/chat", bytes: 69, license: { name: "mit" } } });
  });

  it.each([
    [["pull"], 2, "hearth pull needs MODEL: see hearth pull --help. See hearth --help."],
    [["pull", "a", "b"], 2, "Unexpected argument b. See hearth --help."],
    [["pull", "a", "--jsn"], 2, "Unknown flag --jsn. Did you mean --json? See hearth --help."],
    [["pull", "qwen3-4v"], 2, /^qwen3-4v is not a known model\. Did you mean qwen3-4b\?/],
    [["pull", "org/gone"], 5, /^There is no public repository org\/gone/],
    [["pull", "org/gated"], 5, /^org\/gated is gated: .*\nAccept them at /],
    [["pull", "org/chat", "--connections", "0"], 2, /^--connections takes whole numbers of at least 1/],
  ] as const)("%j ends with %i and says why", async (args, code, message) => {
    const { exitCode, warned } = await hearth(args);
    expect(exitCode).toBe(code);
    const last = warned
      .split("\n")
      .filter((line) => !line.startsWith("Trying"))
      .join("\n");
    if (typeof message === "string") expect(last).toBe(message);
    else expect(last).toMatch(message);
  });

  it("ends with 1 where trying again may help", async () => {
    const { exitCode, warned } = await hearth(["pull", "org/new"], {
      environment: { HF_ENDPOINT: "http://127.0.0.1:9" },
    });
    expect([exitCode, warned.split("\n").at(-2)]).toEqual([
      1,
      "127.0.0.1:9 cannot be reached: it refuses the connection.",
    ]);
  });

  it("tells a failure as an event too", async () => {
    const { printed } = await hearth(["pull", "org/gone", "--json"]);
    expect(JSON.parse(printed.split("\n").at(-1) ?? "")).toMatchObject({ event: "failed", exit_code: 5 });
  });

  it("explains itself with examples and exit codes", async () => {
    const { printed } = await hearth(["pull", "--help"]);
    expect(printed).toContain("hearth pull MODEL [flags]");
    expect(printed).toContain("hearth pull smollm2-135m-instruct");
    expect(printed).toContain("Exit codes: 0 fetched");
  });
});

describe("hearth list", () => {
  it("lists what was pulled", async () => {
    const { printed } = await hearth(["list"]);
    const [header, ...rows] = plain(printed)
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(header).toEqual(["NAME", "SERVES", "SIZE", "LICENCE", "PATH"]);
    expect(rows.map((row) => row.slice(0, 4))).toEqual([
      ["chat", "text", "69 B", "mit"],
      ["org/chat", "text", "69 B", "mit"],
    ]);
  });

  it("lists what lies on this machine, with the folders that were named", async () => {
    const { printed } = await hearth([
      "list",
      "--discover",
      "--models-dir",
      join(home, ".cache/huggingface/hub/models--org--chat/blobs"),
    ]);
    expect(plain(printed)).toContain("org/chat:Q4_K_M  text    69 B  hub cache");
    expect(printed).toContain("Serve one without copying it: hearth serve --model NAME");
  });

  it("lists the names that can be pulled", async () => {
    const { printed } = await hearth(["list", "--known", "--json"]);
    const names = printed.split("\n").map((line) => (JSON.parse(line) as { name: string }).name);
    expect(names).toContain("intfloat/e5-large-v2");
  });

  it("says where to look when there is nothing", async () => {
    const { printed } = await runCommandLine(["list"]);
    expect(printed).toContain("No model has been pulled.");
  });
});

describe("hearth models", () => {
  it("has what was pulled beside what is configured", async () => {
    const { printed } = await hearth(["models"]);
    expect(printed).toMatch(/ok {3}tiny-chat/);
    expect(printed).toMatch(/ok {3}org\/chat/);
  });
});

describe("hearth rm", () => {
  it("asks before it removes, and does nothing without a yes", async () => {
    expect(await hearth(["rm", "chat"], { answer: "n" })).toMatchObject({
      exitCode: 1,
      warned: "Nothing was removed.",
    });
    expect(await hearth(["rm", "chat"])).toMatchObject({
      exitCode: 2,
      warned: expect.stringContaining("say --yes") as string,
    });
    expect((await hearth(["list"])).printed).toContain("chat  ");
  });

  it("removes what no other model uses", async () => {
    expect(await hearth(["rm", "chat"], { answer: "y" })).toMatchObject({
      exitCode: 0,
      printed: "chat is removed: 0 B are free.",
    });
    const { exitCode, printed } = await hearth(["rm", "org/chat", "--yes", "--json"]);
    expect([exitCode, JSON.parse(printed)]).toEqual([
      0,
      { event: "removed", name: "org/chat", bytes: 69, files: 1, left: 0 },
    ]);
    expect((await hearth(["list"])).printed).toContain("No model has been pulled.");
  });

  it("says so where nothing of that name was pulled", async () => {
    const { exitCode, warned } = await hearth(["rm", "gone", "--yes"]);
    expect([exitCode, warned.split("\n")[0]]).toEqual([5, "No model named gone has been pulled."]);
  });
});
