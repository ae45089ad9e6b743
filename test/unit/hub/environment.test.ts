import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readHubEnvironment } from "../../../src/hub/environment.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const home = temporaryFolder("environment");
const read = (variables: Readonly<Record<string, string>> = {}) => readHubEnvironment({ HOME: home, ...variables });

describe("the environment of Hugging Face's tools", () => {
  it.each([
    [{}, ".cache/huggingface/hub"],
    [{ XDG_CACHE_HOME: "/x" }, "/x/huggingface/hub"],
    [{ XDG_CACHE_HOME: "/x", HF_HOME: "/h" }, "/h/hub"],
    [{ HF_HOME: "~/h" }, "h/hub"],
    [{ HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/old" }, "/old"],
    [{ HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/new" }, "/new"],
    [{ HF_HUB_CACHE: "" }, ".cache/huggingface/hub"],
  ])("%j puts the cache at %s", (variables, folder) => {
    expect(read(variables).cacheDirectory).toBe(folder.startsWith("/") ? folder : join(home, folder));
  });

  it("takes the token from HF_TOKEN, then its older name, then the file of the login, and none where it is not to be implied", () => {
    expect(read().token).toBeNull();
    mkdirSync(join(home, ".cache/huggingface"), { recursive: true });
    writeFileSync(join(home, ".cache/huggingface/token"), "hf_file\n");
    writeFileSync(join(home, "other"), "hf_other");
    expect(read().token).toBe("hf_file");
    expect(read({ HF_TOKEN_PATH: "~/other" }).token).toBe("hf_other");
    expect(read({ HUGGING_FACE_HUB_TOKEN: "hf_old" }).token).toBe("hf_old");
    expect(read({ HUGGING_FACE_HUB_TOKEN: "hf_old", HF_TOKEN: " hf_new\n" }).token).toBe("hf_new");
    expect(read({ HF_TOKEN: "hf_new", HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }).token).toBeNull();
  });

  it.each([
    [{ HF_HUB_OFFLINE: "1" }, true],
    [{ HF_HUB_OFFLINE: "yes" }, true],
    [{ TRANSFORMERS_OFFLINE: "True" }, true],
    [{ HF_HUB_OFFLINE: "0", TRANSFORMERS_OFFLINE: "" }, false],
  ])("%j means offline: %s", (variables, isOffline) => {
    expect(read(variables).isOffline).toBe(isOffline);
  });

  it("reads endpoint, time-outs, links, progress and proxies", () => {
    expect(
      read({
        HF_ENDPOINT: "https://mirror.example/hf/",
        HF_HUB_ETAG_TIMEOUT: "3",
        HF_HUB_DOWNLOAD_TIMEOUT: "x",
        HF_HUB_DISABLE_SYMLINKS: "1",
        HF_HUB_DISABLE_PROGRESS_BARS: "1",
        HTTPS_PROXY: "http://proxy:1",
        ALL_PROXY: "socks5://proxy:2",
        no_proxy: "localhost",
      }),
    ).toMatchObject({
      endpoint: "https://mirror.example/hf",
      metadataTimeoutMs: 3000,
      downloadTimeoutMs: 10_000,
      useSymlinks: false,
      showsProgress: false,
      proxies: { http: null, https: "http://proxy:1", no: "localhost" },
    });
  });
});
