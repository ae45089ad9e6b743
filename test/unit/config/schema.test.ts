import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { samplerNames as backendSamplers } from "../../../src/backends/diffusion/schedulers/settings/sampler-override.ts";
import { toConfigurationJsonSchema } from "../../../src/config/schema/json-schema.ts";
import { loadConfiguration } from "../../../src/config/load-configuration.ts";
import { bundledConfigurationFile, packageRoot } from "../../../src/config/paths.ts";
import { configurationSchema } from "../../../src/config/schema/configuration.ts";
import { samplerNames } from "../../../src/config/schema/models.ts";
import { settings } from "../../../src/config/schema/settings.ts";

const read = (name: string) => readFileSync(join(packageRoot, "config", name), "utf8");
const schema = JSON.parse(read("schema.json")) as JsonNode;
const example = parse(read("example.yaml")) as Record<string, unknown>;

interface JsonNode {
  readonly properties?: Readonly<Record<string, JsonNode>>;
  readonly additionalProperties?: JsonNode | boolean;
  readonly items?: JsonNode;
  readonly anyOf?: readonly JsonNode[];
  readonly description?: string;
}

/** The path of every key that the schema knows, such as `models.*.lora[].path`. */
function keysOf(node: JsonNode, path = ""): string[] {
  const inner = node.additionalProperties;
  return [
    ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
      `${path}${key}`,
      ...keysOf(child, `${path}${key}.`),
    ]),
    ...(typeof inner === "object" ? keysOf(inner, `${path}*.`) : []),
    ...(node.items === undefined ? [] : keysOf(node.items, `${path}[].`)),
    ...(node.anyOf ?? []).flatMap((option) => keysOf(option, path)),
  ];
}

/** The same paths of a document; names of models and aliases are `*`. */
function usedKeys(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => usedKeys(item, `${path}[].`));
  if (typeof value !== "object" || value === null) return [];
  const isMapOfNames = path === "models." || path === "aliases.";
  return Object.entries(value).flatMap(([name, child]) => {
    const key = `${path}${isMapOfNames ? "*" : name}`;
    return [key, ...usedKeys(child, `${key}.`)];
  });
}

describe("config/schema.json", () => {
  it("is what scripts/config-schema.ts writes", () => {
    expect(schema).toEqual(JSON.parse(JSON.stringify(toConfigurationJsonSchema())));
  });

  it("describes every key", () => {
    const missing = (node: JsonNode, path: string): string[] => [
      ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
        ...(child.description === undefined ? [`${path}${key}`] : []),
        ...missing(child, `${path}${key}.`),
      ]),
      ...(typeof node.additionalProperties === "object" ? missing(node.additionalProperties, `${path}*.`) : []),
      ...(node.anyOf ?? []).flatMap((option) => missing(option, path)),
    ];
    expect(missing(schema, "")).toEqual([]);
  });

  it("refuses what the server refuses", () => {
    const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);
    expect(validate({ server: { prot: 1 } })).toBe(false);
    expect(validate({ models: { m: { path: "x", steps: 4, context_size: 5 } } })).toBe(false);
    expect(validate({ models: { m: {} } })).toBe(false);
    expect(validate({ models: { m: { path: "x" } }, server: { request_timeout: "5m" } })).toBe(true);
  });
});

describe("config/example.yaml", () => {
  it("is valid by the JSON schema and by the schema of the server", () => {
    const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);
    validate(example);
    expect(validate.errors).toBeNull();
    expect(configurationSchema.safeParse(example).error).toBeUndefined();
  });

  it("shows every key of the schema", () => {
    const shown = new Set(usedKeys(example));
    expect(keysOf(schema).filter((key) => !shown.has(key))).toEqual([]);
  });

  it("names the flag and the variable of every setting", () => {
    const text = read("example.yaml");
    for (const { flag, variable } of settings) {
      expect(text).toContain(`--${flag}`);
      expect(text).toContain(variable);
    }
  });
});

describe("config/default.yaml", () => {
  it("serves the bundled models under the names that applications for OpenAI use", () => {
    const configuration = loadConfiguration({ flags: {}, environment: {}, cwd: "/" });
    expect(configuration.file).toBe(bundledConfigurationFile);
    expect(configuration.models.map(({ id, kind }) => [id, kind])).toEqual([
      ["tiny-chat", "text"],
      ["tiny-embed", "embedding"],
      ["tiny-image", "image"],
    ]);
    expect(configuration.defaults).toEqual({
      text: "tiny-chat",
      embedding: "tiny-embed",
      rerank: null,
      image: "tiny-image",
    });
    expect(configuration.aliases.get("gpt-4o-mini")).toBe("tiny-chat");
    expect(configuration.aliases.get("text-embedding-3-small")).toBe("tiny-embed");
    expect(configuration.aliases.get("gpt-image-1")).toBe("tiny-image");
  });

  it("gives way to the models of the user, kind by kind", () => {
    const path = join(packageRoot, "models", "tiny-chat", "tiny-chat.gguf");
    const flags = { model: [`mine=${path}`] };
    const { defaults, aliases, models } = loadConfiguration({ flags, environment: {}, cwd: "/" });
    expect(defaults).toMatchObject({ text: "mine", embedding: "tiny-embed", image: "tiny-image" });
    expect([...aliases.entries()].filter(([, target]) => target === "tiny-chat")).toEqual([]);
    expect(aliases.get("gpt-4o-mini")).toBe("mine");
    expect(models.map(({ id, demonstration = false }) => [id, demonstration])).toEqual([
      ["tiny-chat", true],
      ["tiny-embed", true],
      ["tiny-image", true],
      ["mine", false],
    ]);
  });
});

describe("settings", () => {
  it("have flags and variables of their own", () => {
    expect(new Set(settings.map(({ flag }) => flag)).size).toBe(settings.length);
    expect(settings.find(({ flag }) => flag === "log-level")).toMatchObject({
      path: ["logging", "level"],
      variable: "HEARTH_LOG_LEVEL",
      form: "text",
      defaultText: "info",
    });
    expect(settings.find(({ flag }) => flag === "body-limit")).toMatchObject({ defaultText: "25MB", form: "text" });
    expect(settings.find(({ flag }) => flag === "port")).toMatchObject({ form: "number", defaultText: "8484" });
    expect(settings.find(({ flag }) => flag === "api-key")).toMatchObject({ form: "list", defaultText: null });
  });
});

describe("samplerNames", () => {
  it("are those of the diffusion backend", () => {
    expect([...samplerNames].toSorted()).toEqual([...backendSamplers].toSorted());
  });
});
