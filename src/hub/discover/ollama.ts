// Finds Ollama's models. It keeps a manifest for each name, and the weights as contents named by their digest, which can be served where
// they lie. (Layout: Ollama's source, `server/modelpath.go`, `manifest.go`.)
import { closeSync, openSync, readFileSync, readdirSync, readSync } from "node:fs";
import { join, sep } from "node:path";
import { isRecord } from "../../util/is-record.ts";
import { homeOf, type Environment } from "../environment.ts";
import { sizeOf, toFoundModel, type FoundModel } from "./found-model.ts";

const defaultHost = "registry.ollama.ai";
const defaultNamespace = "library";

/** Media types of the layers that make a model. Its prompt template is Go's and of no use here; the weights bring their own. */
const modelLayer = "application/vnd.ollama.image.model";
const adapterLayer = "application/vnd.ollama.image.adapter";

export function findInOllama(environment: Environment): FoundModel[] {
  const { OLLAMA_MODELS: named } = environment;
  const folders = [
    ...(named === undefined || named === "" ? [] : [named]),
    join(homeOf(environment), ".ollama", "models"),
    // Where its installer for Linux has the service keep them.
    ...(process.platform === "linux" ? ["/usr/share/ollama/.ollama/models"] : []),
  ];
  return [...new Set(folders)].flatMap(modelsIn);
}

function modelsIn(folder: string): FoundModel[] {
  const manifests = join(folder, "manifests");
  return namesIn(manifests).flatMap((relative) => {
    const [host, namespace, model, tag, ...deeper] = relative.split(sep);
    if (host === undefined || namespace === undefined || model === undefined || tag === undefined) return [];
    if (deeper.length > 0) return [];
    const layers = readLayers(join(manifests, relative));
    const weights = layers.find(({ mediaType }) => mediaType === modelLayer);
    if (weights === undefined) return [];
    const blob = (digest: string): string => join(folder, "blobs", digest.replace(":", "-"));
    const adapters = layers.filter(({ mediaType }) => mediaType === adapterLayer).map(({ digest }) => blob(digest));
    const path = blob(weights.digest);
    const name = `ollama:${shortName({ host, namespace, model, tag })}`;
    const options = adapters.length === 0 ? {} : { lora: adapters.map((adapter) => ({ path: adapter })) };
    const found = toFoundModel({ name, path, foundIn: "ollama", bytes: sizeOf(path), options });
    // Newer models of Ollama's own engine are not all GGUF.
    return beginsAsGguf(path) ? [found] : [{ ...found, kind: null, purpose: null, problem: "is not in GGUF format" }];
  });
}

/** The name as Ollama prints it: what is usual is left out. */
function shortName(parts: {
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
}): string {
  const { host, namespace, model, tag } = parts;
  const place = host === defaultHost ? "" : `${host}/`;
  const group = host === defaultHost && namespace === defaultNamespace ? "" : `${namespace}/`;
  return `${place}${group}${model}${tag === "latest" ? "" : `:${tag}`}`;
}

interface Layer {
  readonly mediaType: string;
  readonly digest: string;
}

function readLayers(path: string): Layer[] {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, "utf8"));
    const layers: unknown = isRecord(manifest) ? manifest["layers"] : undefined;
    if (!Array.isArray(layers)) return [];
    return layers.filter(isRecord).flatMap(({ mediaType, digest }) =>
      // The digest becomes a file's name.
      typeof mediaType === "string" && typeof digest === "string" && /^sha256[:-][0-9a-f]{64}$/.test(digest)
        ? [{ mediaType, digest }]
        : [],
    );
  } catch {
    return [];
  }
}

function beginsAsGguf(path: string): boolean {
  try {
    const file = openSync(path, "r");
    try {
      const magic = Buffer.alloc(4);
      return readSync(file, magic, 0, 4, 0) === 4 && magic.toString("latin1") === "GGUF";
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
  } catch {
    return [];
  }
}
