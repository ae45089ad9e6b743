// Places on disk that do not depend on where the command was started.
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Root of the installed package: two levels up from `src/config/` and from `dist/config/` alike. */
export const packageRoot = resolve(import.meta.dirname, "../..");

/** The configuration with the bundled models, used when none is named. */
export const bundledConfigurationFile = join(packageRoot, "config", "default.yaml");

/** The user's folder for data of Hearth that cannot be made anew, by the custom of the operating system. */
export function defaultStoreDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment["XDG_DATA_HOME"];
  if (base !== undefined && base !== "") return join(base, "hearth");
  const home = environment["HOME"] || homedir();
  if (process.platform === "win32") return join(environment["LOCALAPPDATA"] ?? home, "hearth", "data");
  if (process.platform === "darwin") return join(home, "Library", "Application Support", "hearth");
  return join(home, ".local", "share", "hearth");
}

/** The user's cache folder for Hearth, by the custom of the operating system. */
export function defaultCacheDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment["XDG_CACHE_HOME"];
  if (base !== undefined && base !== "") return join(base, "hearth");
  if (process.platform === "win32") return join(environment["LOCALAPPDATA"] ?? homedir(), "hearth", "cache");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "hearth");
  return join(homedir(), ".cache", "hearth");
}
