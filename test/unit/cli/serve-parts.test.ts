import { EventEmitter } from "node:events";
import { afterAll, describe, expect, it } from "vitest";
import { formatBanner } from "../../../src/cli/banner.ts";
import { describeFailure } from "../../../src/cli/failures.ts";
import { listenForStop } from "../../../src/cli/process/stop-signals.ts";
import { plainPalette } from "../../../src/cli/terminal.ts";
import type { Configuration } from "../../../src/config/configuration.ts";
import { loadConfiguration } from "../../../src/config/load-configuration.ts";
import { ServerError } from "../../../src/domain/errors.ts";
import { createSandbox, ggufBytes } from "../config/model-folders.ts";

const sandbox = createSandbox();
afterAll(() => sandbox.remove());
sandbox.write("chat.gguf", ggufBytes({ "general.architecture": "llama" }));
sandbox.copyEncoder("cross-encoder", "cross");
sandbox.write("sd/model_index.json", "{}");

const load = (yaml: string): Configuration =>
  loadConfiguration({ file: sandbox.write("h.yaml", yaml), flags: {}, environment: {}, cwd: sandbox.folder });
const banner = (yaml: string, url = "http://127.0.0.1:8484") =>
  formatBanner(load(yaml), { url, version: "1.2.3", palette: plainPalette });

describe("formatBanner", () => {
  it("gives the base URL, the models, and one line to paste per endpoint that some model answers", () => {
    const text = banner("models: { a/chat: { path: chat.gguf }, sd: { path: sd } }\naliases: { gpt-4o: a/chat }");
    expect(text).toBe(
      String.raw`Hearth 1.2.3 listens on http://127.0.0.1:8484/v1

Models
  a/chat  text   also gpt-4o
  sd      image

Try it
  # chat
  curl -s http://127.0.0.1:8484/v1/chat/completions -H 'content-type: application/json' -d '{"model":"a/chat","messages":[{"role":"user","content":"Say hello."}]}'
  # completion
  curl -s http://127.0.0.1:8484/v1/completions -H 'content-type: application/json' -d '{"model":"a/chat","prompt":"Once upon a time","max_tokens":64}'
  # image, saved as image.png
  curl -s http://127.0.0.1:8484/v1/images/generations -H 'content-type: application/json' -d '{"model":"sd","prompt":"A sunset over the ocean"}' | sed 's/.*"b64_json": *"\([^"]*\)".*/\1/' | base64 -d > image.png`,
    );
  });

  it("shows rerank only where a model reranks", () => {
    expect(banner("models: { c: { path: cross } }")).toContain("/v1/rerank -H");
    expect(banner("models: { c: { path: chat.gguf } }")).not.toContain("rerank");
  });

  it("quotes a model's name for the shell", () => {
    expect(banner(`models: { "it's": { path: chat.gguf } }`)).toContain(String.raw`{"model":"it'\''s",`);
  });

  it("names the key's variable, never the key", () => {
    const text = banner("models: { m: { path: chat.gguf } }\nserver: { api_keys: [hunter2] }");
    expect(text).toContain(`-H "authorization: Bearer $HEARTH_API_KEY"`);
    expect(text).not.toContain("hunter2");
  });

  it("gives an address that can be reached when the server listens on all, and warns when no key is asked for", () => {
    const open = banner("server: { host: 0.0.0.0 }", "http://0.0.0.0:80");
    expect(open).toContain("listens on http://127.0.0.1:80/v1");
    expect(open).toContain("asks for no key: set HEARTH_API_KEY");
    expect(banner("server: { host: '::', api_keys: [k] }", "http://[::]:80")).toContain(
      "http://[::1]:80/v1\nIt is reachable from other machines (server.host is ::).",
    );
    expect(banner("server: { host: localhost }")).not.toContain("reachable");
  });

  it("says how to add a model when there is none", () => {
    expect(banner("")).toContain("none: add one with --model NAME=PATH");
  });
});

describe("describeFailure", () => {
  const configuration = load("server: { port: 80, host: 10.9.8.7 }");
  const withCode = (code: string) => Object.assign(new Error("listen failed"), { code });

  it.each([
    ["EADDRINUSE", /^Port 80 of 10\.9\.8\.7 is in use by another program.*--port.*HEARTH_PORT.*server\.port/],
    ["EACCES", /^Port 80 may not be opened by this user: ports below 1024.*--port/],
    ["EADDRNOTAVAIL", /^This machine has no address 10\.9\.8\.7.*--host.*HEARTH_HOST/],
    ["ENOTFOUND", /^The host 10\.9\.8\.7 has no address/],
  ])("explains %s in one line, without a stack", (code, expected) => {
    const failure = describeFailure(withCode(code), configuration);
    expect(failure.exitCode).toBe(4);
    expect(failure.message).toMatch(expected);
    expect(failure.message.split("\n")).toHaveLength(1);
  });

  it("gives the message of an error that is meant for the user", () => {
    const failure = describeFailure(new ServerError("model_load_failed", "No such model."));
    expect(failure).toEqual({ exitCode: 1, message: "Hearth could not start: No such model." });
  });

  it("keeps the stack of an unexpected error", () => {
    const failure = describeFailure(new TypeError("x is undefined"), configuration);
    expect(failure.exitCode).toBe(1);
    expect(failure.message).toContain("Hearth failed unexpectedly.\nTypeError: x is undefined\n    at ");
  });
});

describe("listenForStop", () => {
  const start = () => {
    const source = new EventEmitter();
    const exits: number[] = [];
    let nowMs = 0;
    const stop = listenForStop(source, {
      exit: (code) => exits.push(code),
      now: () => nowMs,
    });
    const send = (signal: string, afterMs: number) => {
      nowMs += afterMs;
      source.emit(signal, signal);
    };
    return { source, exits, stop, send };
  };

  it("asks for an orderly end at the first signal, and exits at the second", async () => {
    const { stop, send, exits } = start();
    send("SIGTERM", 0);
    expect(await stop.requested).toBe("SIGTERM");
    expect(exits).toEqual([]);
    send("SIGINT", 1000);
    expect(exits).toEqual([130]);
    send("SIGTERM", 1000);
    expect(exits).toEqual([130, 143]);
  });

  it("ignores the second signal that npm sends for the same key press", () => {
    const { send, exits } = start();
    send("SIGINT", 0);
    send("SIGINT", 5);
    expect(exits).toEqual([]);
  });

  it("leaves no listener behind", () => {
    const { source, stop } = start();
    stop.dispose();
    expect(source.listenerCount("SIGINT") + source.listenerCount("SIGTERM")).toBe(0);
  });
});
