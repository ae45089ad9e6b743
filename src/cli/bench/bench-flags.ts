// The commands of `hearth bench` and their flags. Their code is imported only when one of them runs.
import type { CommandFlag, Subcommand } from "../command.ts";

type FlagWords = readonly [flag: string, placeholder: string, description: string, defaultText?: string];

const subjectFlags: readonly CommandFlag[] = [
  toFlag(["url", "URL", "Server A: the base URL of any OpenAI-compatible server.", "http://127.0.0.1:8484/v1"]),
  toFlag(["model", "NAME", "Model of A.", "the first that the server lists"]),
  toFlag(["command", "COMMAND", "Starts A before and stops it after; a shell runs it. It must listen at --url."]),
  toFlag(["against", "URL", "Server B, measured in turn with A in the same run."]),
  toFlag(["against-model", "NAME", "Model of B.", "the first that the server lists"]),
  toFlag(["against-command", "COMMAND", "Starts B before and stops it after. It must listen at --against."]),
  toFlag(["api-key", "KEY", "Sent to A.", "the variable HEARTH_API_KEY"]),
  toFlag(["against-api-key", "KEY", "Sent to B."]),
  toFlag(["body", "JSON", 'Fields added to every request, such as {"ignore_eos":true}.']),
];

const processFlag = toFlag([
  "against-process",
  "COMMAND",
  "B is no server but a process that does the same work and tells its own time; see scripts/bench-peers/.",
]);

const runFlags: readonly CommandFlag[] = [
  toFlag(["rounds", "N", "Measurements of each point; A and B take turns in each round.", "5"]),
  toFlag(["warmups", "N", "Rounds before these that do not count.", "1"]),
  toFlag(["seed", "N", "Seed of what is sent: texts, and the seeds of images.", "another one each time"]),
  toFlag(["json", "FILE", "Writes everything that was measured."]),
  toFlag(["plot", "FILE.svg", "Draws latency and throughput over concurrency."]),
  {
    ...toFlag(["markdown", "", "Prints nothing but the table: no progress."]),
    isSwitch: true,
  },
];

const textFlags: readonly FlagWords[] = [
  ["streams", "LIST", "Streams at once.", "1,2,4,8,16"],
  ["endpoint", "NAME", "chat or completions.", "chat"],
  ["prompt-tokens", "N", "Tokens of a user's message, about.", "128"],
  ["output-tokens", "N", "Most tokens of an answer.", "64"],
  ["prefix", "NAME", "unique: every prompt is new. shared: nine tenths of it are the same. same: all of it.", "unique"],
  ["turns", "N", "Exchanges per chat; each one sends the whole history.", "1"],
  ["requests", "N", "Chats per stream and round.", "1"],
];

const embeddingsFlags: readonly FlagWords[] = [
  ["batch", "LIST", "Texts per request.", "1,32"],
  ["concurrency", "LIST", "Clients at once.", "1,16"],
  ["texts", "N", "Texts per point and round.", "64"],
  ["median-words", "N", "Median length of a text; lengths are log-normal.", "37"],
  ["max-words", "N", "Longest text.", "139"],
  ["encoding", "NAME", "float or base64.", "float"],
];

const imagesFlags: readonly FlagWords[] = [
  ["concurrency", "LIST", "Clients at once.", "1"],
  ["size", "WxH", "Size of the pictures.", "the model's"],
  ["steps", "N", "Steps of each picture, where the server takes them.", "the model's"],
  ["images", "N", "Pictures per request.", "1"],
  ["requests", "N", "Requests per client and round.", "1"],
  ["prompt", "TEXT", "What is painted.", "a lighthouse on a cliff at dusk"],
];

const httpFlags: readonly FlagWords[] = [
  ["connections", "LIST", "Connections at once.", "1,16,64"],
  ["requests", "LIST", "models (GET /v1/models), completion, chat (one token each).", "models,completion"],
  ["seconds", "N", "Length of one measurement.", "2"],
  ["prompt", "TEXT", "Prompt of the completions.", "Once upon a time"],
];

const startupFlags: readonly FlagWords[] = [
  ["endpoint", "NAME", "How the first token is asked for: completions, chat, or none.", "completions"],
  ["prompt", "TEXT", "Prompt of the first token.", "Once upon a time"],
  ["settle", "SECONDS", "Pause before the idle memory is read.", "1"],
];

export const benchCommands: Readonly<Record<string, Subcommand>> = {
  text: {
    summary: "Streams of text: time to first token, inter-token latency, tokens per second.",
    flags: [...textFlags.map(toFlag), ...subjectFlags, ...runFlags],
    load: async () => (await import("./bench.ts")).runTextBench,
  },
  embeddings: {
    summary: "Embeddings: texts and tokens per second, latencies.",
    flags: [...embeddingsFlags.map(toFlag), ...subjectFlags, processFlag, ...runFlags],
    load: async () => (await import("./bench.ts")).runEmbeddingsBench,
  },
  images: {
    summary: "Pictures: seconds per image and per step, time over the runtime's own.",
    flags: [...imagesFlags.map(toFlag), ...subjectFlags, processFlag, ...runFlags],
    load: async () => (await import("./bench.ts")).runImagesBench,
  },
  http: {
    summary: "The bare server: requests per second, and latency that it adds.",
    flags: [...httpFlags.map(toFlag), ...subjectFlags, ...runFlags],
    load: async () => (await import("./bench.ts")).runHttpBench,
  },
  startup: {
    summary: "Cold start to listening and to the first token, and memory. Needs --command.",
    flags: [...startupFlags.map(toFlag), ...subjectFlags, ...runFlags],
    load: async () => (await import("./bench.ts")).runStartupBench,
  },
};

function toFlag([flag, placeholder, description, defaultText]: FlagWords): CommandFlag {
  const note = defaultText === undefined ? "" : `default: ${defaultText}`;
  return { flag, placeholder, description, repeatable: false, note };
}
