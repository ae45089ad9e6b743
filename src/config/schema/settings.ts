// The list of all settings, derived from the schema: each can be set by a key of the file, a variable and a flag.
import type { z } from "zod";
import { sections } from "./configuration.ts";
import { settingRegistry } from "./sections.ts";

/** A setting with its place in the file, its variable and its flag. */
export interface Setting {
  /** Place in the file, e.g. `["server", "port"]`. */
  readonly path: readonly string[];
  /** Flag without its dashes. */
  readonly flag: string;
  readonly variable: string;
  readonly placeholder: string;
  readonly description: string;
  /** As it would be written in the file; `null` = none. */
  readonly defaultText: string | null;
  /** `list`: the flag may be repeated, the variable separates by commas. */
  readonly form: "text" | "number" | "list";
}

/** Names the configuration file. This and the next two are no single value of the file. */
export const configFlag = { flag: "config", variable: "HEARTH_CONFIG" } as const;
/** Adds entries to `models`; the variable separates several by semicolons. */
export const modelFlag = { flag: "model", variable: "HEARTH_MODEL" } as const;
/** Adds entries to `aliases`; the variable separates several by semicolons. */
export const aliasFlag = { flag: "alias", variable: "HEARTH_ALIAS" } as const;

/** Every setting, in the order of the schema. */
export const settings: readonly Setting[] = Object.entries(sections).flatMap(([section, schema]) =>
  Object.entries(schema.shape).map(([key, leaf]: [string, z.ZodType]) => toSetting([section, key], leaf)),
);

/** The variable of a flag: `log-level` is `HEARTH_LOG_LEVEL`. */
export function toVariable(flag: string): string {
  return `HEARTH_${flag.toUpperCase().replaceAll("-", "_")}`;
}

function toSetting(path: readonly string[], leaf: z.ZodType): Setting {
  const meta = settingRegistry.get(leaf);
  if (meta === undefined) throw new Error(`The key ${path.join(".")} has no flag.`);
  const { inner, defaultValue } = unwrap(leaf);
  return {
    path,
    flag: meta.flag,
    variable: toVariable(meta.flag),
    placeholder: meta.placeholder,
    description: leaf.description ?? "",
    defaultText: typeof defaultValue === "string" || typeof defaultValue === "number" ? String(defaultValue) : null,
    form: inner === "number" ? "number" : inner === "array" ? "list" : "text",
  };
}

/** The type of the value inside `default`, `prefault` and `optional`, and its default. */
function unwrap(leaf: z.ZodType): { inner: string; defaultValue: unknown } {
  const { def } = leaf as z.ZodType & {
    readonly def: { readonly innerType?: z.ZodType; readonly defaultValue?: unknown };
  };
  if (def.innerType === undefined) return { inner: def.type, defaultValue: undefined };
  const { inner, defaultValue } = unwrap(def.innerType);
  return { inner, defaultValue: def.defaultValue ?? defaultValue };
}
