// The variables by which Hugging Face's own tools are configured, in their documented order, so that who has set them for Python has set
// them for us. (Documentation of huggingface_hub: "Environment variables".)
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface HubEnvironment {
  /** Origin and path without a slash at its end. */
  readonly endpoint: string;
  /** Sent to the endpoint's host only; `null` = none. */
  readonly token: string | null;
  /** True = no network. */
  readonly isOffline: boolean;
  /** Absolute path of the cache that all tools share. */
  readonly cacheDirectory: string;
  /** Longest wait for the answer to a question. */
  readonly metadataTimeoutMs: number;
  /** Longest silence while a file is transferred. */
  readonly downloadTimeoutMs: number;
  readonly useSymlinks: boolean;
  readonly showsProgress: boolean;
  readonly proxies: { readonly http: string | null; readonly https: string | null; readonly no: string | null };
}

const defaultEndpoint = "https://huggingface.co";
const defaultTimeoutSeconds = 10;

/** The user's home folder. */
export function homeOf(environment: Environment): string {
  return environment["HOME"] || environment["USERPROFILE"] || homedir();
}

export function readHubEnvironment(environment: Environment): HubEnvironment {
  const home = homeOf(environment);
  const read = (...names: readonly string[]): string | null => {
    for (const name of names) {
      const value = environment[name]?.trim();
      if (value !== undefined && value !== "") return value;
    }
    return null;
  };
  const path = (...names: readonly string[]): string | null => expandHome(read(...names), home);
  const flag = (...names: readonly string[]): boolean => names.some((name) => isTrue(read(name)));
  // ALL_PROXY often names a SOCKS proxy, which the HTTP client does not speak.
  const proxy = (...names: readonly string[]): string | null =>
    names.map((name) => read(name)).find((value) => value !== null && /^https?:\/\//i.test(value)) ?? null;
  const hubHome = path("HF_HOME") ?? join(path("XDG_CACHE_HOME") ?? join(home, ".cache"), "huggingface");
  return {
    endpoint: (read("HF_ENDPOINT") ?? defaultEndpoint).replace(/\/+$/, ""),
    token: flag("HF_HUB_DISABLE_IMPLICIT_TOKEN")
      ? null
      : (read("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") ?? readToken(path("HF_TOKEN_PATH") ?? join(hubHome, "token"))),
    isOffline: flag("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"),
    cacheDirectory: path("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE") ?? join(hubHome, "hub"),
    metadataTimeoutMs: secondsToMs(read("HF_HUB_ETAG_TIMEOUT")),
    downloadTimeoutMs: secondsToMs(read("HF_HUB_DOWNLOAD_TIMEOUT")),
    useSymlinks: !flag("HF_HUB_DISABLE_SYMLINKS"),
    showsProgress: !flag("HF_HUB_DISABLE_PROGRESS_BARS"),
    proxies: {
      http: proxy("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
      https: proxy("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
      no: read("no_proxy", "NO_PROXY"),
    },
  };
}

function expandHome(path: string | null, home: string): string | null {
  return path !== null && /^~(?:$|[/\\])/.test(path) ? join(home, path.slice(1)) : path;
}

function isTrue(value: string | null): boolean {
  return value !== null && ["1", "ON", "YES", "TRUE"].includes(value.toUpperCase());
}

function secondsToMs(value: string | null): number {
  const seconds = Number(value ?? defaultTimeoutSeconds);
  return (Number.isFinite(seconds) && seconds > 0 ? seconds : defaultTimeoutSeconds) * 1000;
}

function readToken(file: string): string | null {
  try {
    const token = readFileSync(file, "utf8").trim();
    return token === "" ? null : token;
  } catch {
    // No file, or none that may be read: the user is not logged in.
    return null;
  }
}
