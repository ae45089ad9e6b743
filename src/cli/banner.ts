// The text that is printed when the server listens: its address, its models, and one line to paste per endpoint.
import { isIP } from "node:net";
import type { Configuration } from "../config/configuration.ts";
import type { ConfiguredModel } from "../domain/model.ts";
import { purposeOfOpenAiName } from "../config/openai-names.ts";
import { formatTable, type Palette } from "./terminal.ts";

export interface BannerOptions {
  /** Address of the server, such as `http://127.0.0.1:8484`. */
  readonly url: string;
  readonly version: string;
  readonly palette: Palette;
}

export function formatBanner(configuration: Configuration, { url, version, palette }: BannerOptions): string {
  const base = `${reachableUrl(url)}/v1`;
  const blocks = [
    [`${palette.strong(`Hearth ${version}`)} listens on ${palette.strong(base)}`, ...networkLines(configuration)],
    [palette.strong("Models"), ...modelLines(configuration, palette)],
    [palette.strong("Try it"), ...exampleLines(configuration, base, palette)],
  ];
  return blocks.map((lines) => lines.join("\n")).join("\n\n");
}

/** The URL by which this machine reaches the server: not every client connects to 0.0.0.0, so the loopback address stands for it. */
function reachableUrl(url: string): string {
  return url.replace(/\/+$/, "").replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
}

function networkLines({ server }: Configuration): string[] {
  if (isLoopback(server.host)) return [];
  const line = `It is reachable from other machines (server.host is ${server.host})`;
  return [server.apiKeys.length > 0 ? `${line}.` : `${line}, and asks for no key: set HEARTH_API_KEY to change that.`];
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function modelLines(configuration: Configuration, palette: Palette): string[] {
  const { models } = configuration;
  if (models.length === 0) return ["  none: add one with --model NAME=PATH"];
  return formatTable(
    models.map((model) => {
      const notes = [
        ...(model.demonstration === true ? ["a small demonstration"] : []),
        ...nameNotes(model, configuration),
      ];
      return [`  ${model.id}`, describePurpose(model), notes.length === 0 ? "" : palette.faint(notes.join(", "))];
    }),
  );
}

/** Under which other names a model answers. Those of OpenAI's models are too many to be told. */
function nameNotes({ id }: ConfiguredModel, { aliases, openAiNames }: Configuration): string[] {
  const names = [...aliases].filter(([, target]) => target === id).map(([alias]) => alias);
  const isOpenAi = (name: string): boolean => openAiNames && purposeOfOpenAiName(name) !== undefined;
  const own = names.filter((name) => !isOpenAi(name));
  const example = names.findLast(isOpenAi);
  return [
    ...(own.length === 0 ? [] : [`also ${own.join(", ")}`]),
    ...(example === undefined ? [] : [`also OpenAI's names, such as ${example}`]),
  ];
}

function describePurpose({ purpose, kind }: ConfiguredModel): string {
  return purpose === kind ? kind : `${purpose} (${kind === "text" ? "GGUF" : "ONNX"})`;
}

function exampleLines({ defaults, server }: Configuration, base: string, palette: Palette): string[] {
  const key = server.apiKeys.length > 0 ? ` -H "authorization: Bearer $HEARTH_API_KEY"` : "";
  const curl = (path: string, body: Readonly<Record<string, unknown>>): string =>
    `curl -s ${base}/${path}${key} -H 'content-type: application/json' -d ${quote(JSON.stringify(body))}`;
  const examples: (readonly [string, string | null, (model: string) => string])[] = [
    [
      "chat",
      defaults.text,
      (model) => curl("chat/completions", { model, messages: [{ role: "user", content: "Say hello." }] }),
    ],
    [
      "completion",
      defaults.text,
      (model) => curl("completions", { model, prompt: "Once upon a time", max_tokens: 64 }),
    ],
    ["embeddings", defaults.embedding, (model) => curl("embeddings", { model, input: ["The food was delicious."] })],
    [
      "rerank",
      defaults.rerank,
      (model) => curl("rerank", { model, query: "What is a hearth?", documents: ["A fireplace.", "A fish."] }),
    ],
    [
      "image, saved as image.png",
      defaults.image,
      (model) => curl("images/generations", { model, prompt: "A sunset over the ocean" }) + savePicture,
    ],
  ];
  return examples.flatMap(([title, model, line]) =>
    model === null ? [] : [`  ${palette.faint(`# ${title}`)}`, `  ${line(model)}`],
  );
}

/** Takes the picture out of the answer with tools that most systems have. */
const savePicture = String.raw` | sed 's/.*"b64_json": *"\([^"]*\)".*/\1/' | base64 -d > image.png`;

/** Quotes a text for a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
