// The client process of event-loop.ts: requests chat streams, embeddings and images of one server at once. It is a process of its own, so
// that its work is not on the loop that is measured.
export interface LoadPlan {
  /** e.g. `http://127.0.0.1:8484/v1` */
  readonly baseUrl: string;
  readonly chatModel: string;
  readonly embeddingModel: string;
  readonly imageModel: string;
}

/** Commands to the client: `run` after its message `warm`, then `stop` at any time. */
export type LoadCommand = "run" | "stop";

export type LoadMessage = { readonly type: "warm" } | { readonly type: "report"; readonly served: LoadReport };

/** Requests that were answered in full. */
export interface LoadReport {
  readonly chats: number;
  readonly embeddings: number;
  readonly images: number;
}

const chatStreams = 2;
const texts = Array.from(
  { length: 32 },
  (_, index) => `Text ${index}: ${"a warm house beside the winter road ".repeat(3)}`,
);

const plan = JSON.parse(process.argv[2] ?? "{}") as LoadPlan;
const stopping = new AbortController();

// The bundled model would end its answer after a few dozen tokens. So its end token, the last but one of a rendered message, is banned.
const rendered = await post(new URL("/apply-template", plan.baseUrl), {
  model: plan.chatModel,
  messages: [{ role: "user", content: "" }],
  add_generation_prompt: false,
});
const endToken = (JSON.parse(rendered) as { readonly tokens: readonly number[] }).tokens.at(-2) ?? 0;

/** Sends one request of each kind and reads the answer to its end. */
const requests = {
  chats: () =>
    answer("chat/completions", {
      model: plan.chatModel,
      messages: [{ role: "user", content: "Please tell me about the sea." }],
      max_tokens: 256,
      logit_bias: { [endToken]: -100 },
      stream: true,
    }),
  embeddings: () => answer("embeddings", { model: plan.embeddingModel, input: texts }),
  images: () =>
    answer("images/generations", {
      model: plan.imageModel,
      prompt: "A lighthouse above the sea",
      size: "256x256",
      steps: 4,
    }),
};

process.on("disconnect", () => process.exit(0));
process.on("message", (command: LoadCommand) => {
  if (command === "stop") stopping.abort();
  else void run().then((served) => report({ type: "report", served }));
});

// The models are loaded, and the server's JavaScript is compiled, before anything is measured.
for (let round = 0; round < 3; round++) for (const request of Object.values(requests)) await request();
report({ type: "warm" });

function report(message: LoadMessage): void {
  process.send?.(message);
}

async function run(): Promise<LoadReport> {
  const chats = Array.from({ length: chatStreams }, () => repeat(requests.chats));
  const [embeddings, images, ...streams] = await Promise.all([
    repeat(requests.embeddings),
    repeat(requests.images),
    ...chats,
  ]);
  return { chats: streams.reduce((total, count) => total + count, 0), embeddings, images };
}

/** Repeats a request until `stop`; returns how many were answered in full. */
async function repeat(request: () => Promise<void>): Promise<number> {
  for (let count = 0; ; count++) {
    try {
      await request();
    } catch (error) {
      if (stopping.signal.aborted) return count;
      throw error;
    }
  }
}

async function answer(path: string, body: Readonly<Record<string, unknown>>): Promise<void> {
  await post(new URL(`${plan.baseUrl}/${path}`), body);
}

/** The answer's text. @throws Error when the server answers with an error, also within a stream */
async function post(url: URL, body: Readonly<Record<string, unknown>>): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: stopping.signal,
  });
  const text = await response.text();
  if (!response.ok || text.includes('"error":')) {
    throw new Error(`${url.pathname}: HTTP ${response.status}: ${text.slice(-500)}`);
  }
  return text;
}
