import { createServer } from "node:net";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { afterAll, describe, expect, it } from "vitest";
import { loadConfiguration } from "../../../src/config/load-configuration.ts";
import { packageRoot } from "../../../src/config/paths.ts";
import { settings } from "../../../src/config/schema/settings.ts";
import { createSandbox, ggufBytes } from "../config/model-folders.ts";
import { runCommandLine } from "./capture.ts";

const sandbox = createSandbox();
afterAll(() => sandbox.remove());
sandbox.write("chat.gguf", ggufBytes({ "general.architecture": "llama" }));
sandbox.write("embed.gguf", ggufBytes({ "general.architecture": "bert" }));
const good = sandbox.write("good.yaml", "models: { chat: { path: chat.gguf } }\naliases: { gpt-4o: chat }");
const bad = sandbox.write(
  "bad.yaml",
  "server: { prot: 1 }\nmodels: { a: { path: gone.gguf }, b: { path: chat.gguf } }",
);
const plain = (text: string) => text.replaceAll(sandbox.folder, "…");

describe("the command line", () => {
  it("prints the package's version for --version", async () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string };
    expect(await runCommandLine(["--version"])).toEqual({ exitCode: 0, printed: version, warned: "" });
    expect((await runCommandLine(["-v"])).printed).toBe(version);
  });

  it.each([
    [["--prot", "1"], "Unknown flag --prot. Did you mean --port? See hearth --help."],
    [["--port=1", "--logLevel=info"], "Unknown flag --logLevel. Did you mean --log-level? See hearth --help."],
    [["--frobnicate"], "Unknown flag --frobnicate. See hearth --help."],
    [["-x"], "Unknown flag -x. See hearth --help."],
    [["--port"], "--port needs a value: --port PORT. See hearth --help."],
    [["--host", "--port", "80"], "--host needs a value: --host HOST. See hearth --help."],
    [["--host="], "--host needs a value: --host HOST. See hearth --help."],
    [["--port", "80", "extra"], "Unexpected argument extra. See hearth --help."],
    [["serv"], "Unknown command serv. Did you mean serve? See hearth --help."],
    [
      ["dance"],
      "Unknown command dance. The commands are serve, check-config, models, doctor, pull, list, rm, bench. See hearth --help.",
    ],
    [["bench"], "hearth bench needs one of text, embeddings, images, http, startup. See hearth --help."],
    [["bench", "txt"], "Unknown bench command txt. Did you mean text? See hearth --help."],
    [["bench", "text", "--stream", "1"], "Unknown flag --stream. Did you mean --streams? See hearth --help."],
    [["bench", "text", "--streams", "1,x"], '--streams takes whole numbers of at least 1, not "x". See hearth --help.'],
    [
      ["bench", "text", "--prefix", "uniqe"],
      "--prefix takes unique, shared, same, not uniqe. Did you mean unique? See hearth --help.",
    ],
    [["bench", "http", "--body", "[]"], "--body must be a JSON object, not []. See hearth --help."],
    [
      ["bench", "http", "--url", "http://"],
      "--url must be a base URL such as http://127.0.0.1:8484/v1, not http://. See hearth --help.",
    ],
    [
      ["bench", "http", "--against-model", "m"],
      "--against-model needs --against: the base URL of B. See hearth --help.",
    ],
    [["bench", "startup"], "hearth bench startup needs --command: how the server is started. See hearth --help."],
    [["models", "--prot", "1"], "Unknown flag --prot. See hearth --help."],
    [
      ["check-config", "--model", "=x"],
      'The command line has a mistake:\n  --model: must be NAME=PATH, such as stories=./stories.gguf, not "=x"',
    ],
  ])("%j is refused with exit code 2", async (args, message) => {
    const environment = { HEARTH_CONFIG: good };
    expect(await runCommandLine(args, { environment })).toEqual({ exitCode: 2, printed: "", warned: message });
  });

  it("explains every flag with its variable and its place in the file", async () => {
    const { printed, exitCode } = await runCommandLine(["--help"]);
    expect(exitCode).toBe(0);
    for (const { flag, variable, path, placeholder } of settings) {
      expect(printed).toContain(`--${flag} ${placeholder}`);
      expect(printed).toContain(variable);
      expect(printed).toContain(path.join("."));
    }
    expect(printed).toContain("--model [NAME=]MODEL (repeatable)");
    expect(printed).toContain("check-config  Check the configuration");
    expect(printed.split("\n").filter((line) => line.length > 120)).toEqual([]);
    // One flag as it looks.
    expect(printed).toContain(
      "  --port PORT\n      Port to listen on. 0 = a free one, which is printed.\n      [HEARTH_PORT, server.port; default: 8484]",
    );
  });

  it("explains a single command", async () => {
    const { printed } = await runCommandLine(["models", "-h"]);
    expect(printed).toContain("hearth models [flags]");
    expect(printed).toContain("--config FILE");
    expect(printed).not.toContain("--port");
    expect((await runCommandLine(["help", "models"])).printed).toBe(printed);
  });

  it("explains a group of commands, and each of them", async () => {
    const group = await runCommandLine(["bench", "--help"]);
    expect(group.exitCode).toBe(0);
    expect(group.printed).toContain("hearth bench COMMAND [flags]");
    expect(group.printed).toMatch(/startup +Cold start/);
    const { printed } = await runCommandLine(["bench", "text", "--help"]);
    expect(printed).toContain("hearth bench text [flags]");
    expect(printed).toContain("  --streams LIST\n      Streams at once.\n      [default: 1,2,4,8,16]");
    expect(printed).toContain("\n  --markdown\n");
  });

  it("takes a flag several times and with an equals sign", async () => {
    const flags = ["--model", "a=chat.gguf", "--model=b=embed.gguf", "--config", good];
    const { printed } = await runCommandLine(["models", ...flags], { cwd: sandbox.folder });
    expect(printed.split("\n").map((line) => line.slice(5, 9).trim())).toEqual(["NAME", "chat", "a", "b"]);
  });
});

describe("check-config", () => {
  it("prints a configuration that reads back as the same, with the origin of each value and without keys", async () => {
    const flags = ["--config", good, "--port", "9", "--model", "e=embed.gguf,ttl=5m"];
    const environment = { HEARTH_API_KEY: "secret-one,secret-two", HEARTH_LOG_LEVEL: "warn", HOME: sandbox.folder };
    const { exitCode, printed } = await runCommandLine(["check-config", ...flags], {
      cwd: sandbox.folder,
      environment,
    });
    expect(exitCode).toBe(0);
    expect(printed).toContain("port: 9 # --port");
    expect(printed).toContain("level: warn # HEARTH_LOG_LEVEL");
    expect(printed).toContain("host: 127.0.0.1 # default");
    expect(printed).toContain("# 2 not shown, HEARTH_API_KEY\n  api_keys: []");
    expect(printed).not.toContain("secret");
    const file = sandbox.write("printed.yaml", printed);
    const options = { cwd: sandbox.folder, environment };
    const original = loadConfiguration({
      ...options,
      flags: { config: [good], port: ["9"], model: ["e=embed.gguf,ttl=5m"] },
    });
    expect({ ...loadConfiguration({ ...options, file, flags: {} }), file: good }).toEqual(original);
    expect(parse(printed)).toMatchObject({ models: { e: { kind: "text", ttl: "5m" } } });
  });

  it("does not show a password inside an upstream's address", async () => {
    const model = "up=https://user:hunter2@example.com/v1";
    const { printed } = await runCommandLine(["check-config", "--config", good, "--model", model]);
    expect(printed).toContain("https://user:***@example.com/v1");
    expect(printed).not.toContain("hunter2");
  });

  it("tells all mistakes of the configuration with exit code 3", async () => {
    const { exitCode, warned, printed } = await runCommandLine(["check-config", "--config", bad]);
    expect(exitCode).toBe(3);
    expect(printed).toBe("");
    expect(plain(warned)).toBe(
      [
        "The configuration has 2 mistakes:",
        "  …/bad.yaml:1:11: server.prot is not a known key; did you mean port?",
        "  …/bad.yaml:2:16: models.a.path does not exist: …/gone.gguf",
      ].join("\n"),
    );
  });
});

describe("models", () => {
  it("lists each model with its kind and where it is", async () => {
    const { exitCode, printed } = await runCommandLine(["models", "--config", good, "--model", "e=embed.gguf"], {
      cwd: sandbox.folder,
    });
    expect(exitCode).toBe(0);
    expect(plain(printed).split("\n")).toEqual([
      "     NAME  KIND  SERVES     PATH",
      "ok   chat  text  text       …/chat.gguf",
      "ok   e     text  embedding  …/embed.gguf",
    ]);
  });

  it("says what is wrong with a model and lists the others all the same", async () => {
    const { exitCode, printed, warned } = await runCommandLine(["models", "--config", bad]);
    expect(exitCode).toBe(3);
    expect(plain(printed).split("\n")).toEqual([
      "     NAME  KIND  SERVES  PATH",
      "bad  a     ?     ?       gone.gguf",
      "       models.a.path does not exist: …/gone.gguf (…/bad.yaml:2:16)",
      "ok   b     text  text    …/chat.gguf",
    ]);
    expect(warned).toBe("The configuration has further mistakes: see hearth check-config (1).");
  });

  it("says that no models are configured", async () => {
    const { printed } = await runCommandLine(["models", "--config", sandbox.write("empty.yaml")]);
    expect(plain(printed)).toBe("No models are configured in …/empty.yaml.");
  });
});

describe("serve", () => {
  it("names the port that is in use and how to choose another, with exit code 4", async () => {
    const occupant = createServer().listen(0, "127.0.0.1");
    await once(occupant, "listening");
    const address = occupant.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    try {
      const { exitCode, warned, printed } = await runCommandLine(["--config", good, "--port", port]);
      expect(exitCode).toBe(4);
      expect(printed).toBe("");
      expect(plain(warned)).toBe(
        `Port ${port} of 127.0.0.1 is in use by another program, perhaps another Hearth. Choose another with --port, ` +
          "the variable HEARTH_PORT, or server.port in …/good.yaml; --port 0 takes a free one.",
      );
    } finally {
      occupant.close();
    }
  });

  it("does not start with a configuration that is wrong", async () => {
    expect((await runCommandLine(["--config", bad])).exitCode).toBe(3);
    expect((await runCommandLine(["serve", "--config", "/nowhere.yaml"])).warned).toBe(
      "The configuration has a mistake:\n  /nowhere.yaml:1:1: the configuration file does not exist",
    );
  });
});
