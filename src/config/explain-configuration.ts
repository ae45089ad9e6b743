// Writes the configuration as it is after all layers, in the words of the file: what `check-config` prints. A comment beside each
// setting says where its value came from. The text is itself a configuration file, but API keys and passwords are left out.
import { Document, YAMLMap, type Scalar } from "yaml";
import type { Configuration } from "./configuration.ts";
import type { ConfiguredModel } from "../domain/model.ts";
import type { ConfigurationInspection, InspectedModel } from "./inspect-configuration.ts";
import { type Layers } from "./layers.ts";
import { isRecord } from "../util/is-record.ts";
import { formatOrigin } from "./problems/problems.ts";
import { settings, type Setting } from "./schema/settings.ts";

interface ExplainContext {
  readonly layers: Layers;
  readonly configuration: Configuration;
}

/** YAML text with a comment beside each setting. */
export function explainConfiguration(inspection: ConfigurationInspection, configuration: Configuration): string {
  const { layers, models, file } = inspection;
  const document = new Document({});
  document.commentBefore = ` ${file}`;
  for (const setting of settings) {
    const [section = "", key = ""] = setting.path;
    if (!document.has(section)) document.set(section, new YAMLMap(document.schema));
    const { value, comment } = explainSetting(setting, { layers, configuration });
    const pair = document.createPair<Scalar>(key, value);
    // Beside a list the comment would be printed on a line of its own anyway: there it goes before the key.
    if (Array.isArray(value)) pair.key.commentBefore = ` ${comment}`;
    else if (pair.value !== null) pair.value.comment = ` ${comment}`;
    document.addIn([section], pair);
  }
  document.set("models", document.createNode(Object.fromEntries(models.flatMap(toModelEntry))));
  document.set("aliases", document.createNode(Object.fromEntries(configuration.aliases)));
  return document.toString({ lineWidth: 0 });
}

function explainSetting(
  setting: Setting,
  context: ExplainContext,
): { readonly value: unknown; readonly comment: string } {
  const { layers, configuration } = context;
  const [section = "", key = ""] = setting.path;
  const written = isRecord(layers.tree[section]) ? layers.tree[section][key] : undefined;
  const origin = written === undefined ? "default" : formatOrigin(layers.originOf(setting.path));
  if (key === "api_keys") {
    const count = configuration.server.apiKeys.length;
    return { value: [], comment: count === 0 ? origin : `${count} not shown, ${origin}` };
  }
  const value = written ?? effectiveDefault(setting, configuration);
  return { value, comment: `${origin}${noteOf(setting, configuration)}` };
}

function effectiveDefault(setting: Setting, { runners, defaults, hub }: Configuration): unknown {
  const [section, key = ""] = setting.path;
  if (key === "store_directory") return hub.storeDirectory;
  if (key === "known_models") return hub.knownModels;
  if (key === "cache_directory") return runners.cacheDirectory;
  if (section === "defaults") return defaults[key as keyof typeof defaults];
  return setting.form === "list" ? [] : setting.form === "number" ? Number(setting.defaultText) : setting.defaultText;
}

function noteOf({ path }: Setting, { memory }: Configuration): string {
  if (path[0] !== "memory") return "";
  return `, ${(memory.budgetBytes / 2 ** 30).toFixed(1)} GiB here`;
}

function toModelEntry({ id, entry, model }: InspectedModel): [string, unknown][] {
  return model === null ? [] : [[id, { ...entry, path: withoutPassword(model), kind: model.kind }]];
}

/** The path of the model; the password in an upstream's URL, such as `https://user:secret@host`, becomes `***`. */
function withoutPassword({ kind, path }: ConfiguredModel): string {
  if (kind !== "upstream") return path;
  const url = new URL(path);
  if (url.password === "") return path;
  url.password = "***";
  return url.href;
}
