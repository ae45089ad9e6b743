// Makes the JSON schema of the configuration file, for completion and checks in editors, from the schema that the server reads it by.
import { z } from "zod";
import { configurationSchema, sections } from "./configuration.ts";
import { settings } from "./settings.ts";

/** The JSON schema (draft 7) of a configuration file. */
export function toConfigurationJsonSchema(): Record<string, unknown> {
  const flags = new Map<z.core.$ZodType, string>();
  for (const { path, flag, variable } of settings) {
    const [section = "", key = ""] = path;
    const shape: Record<string, z.ZodType> = sections[section as keyof typeof sections].shape;
    const leaf = shape[key];
    if (leaf !== undefined) flags.set(leaf, `Flag --${flag}, variable ${variable}.`);
  }
  const generated = z.toJSONSchema(configurationSchema, {
    target: "draft-7",
    // What the operator writes, not what the server makes of it.
    io: "input",
    reused: "inline",
    override: ({ zodSchema, jsonSchema }) => {
      const ways = flags.get(zodSchema);
      // The largest safe integer is a limit of the language, not of the key.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (ways !== undefined) jsonSchema.description = `${jsonSchema.description ?? ""} ${ways}`;
    },
  });
  return { ...generated, title: "Configuration of Hearth" };
}
