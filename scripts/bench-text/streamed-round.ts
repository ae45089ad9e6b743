// Runs one round of overhead.ts on the server: a streamed completion, read to its end.
import type { BareModel } from "./bare-decode.ts";
import type { ServerProcess } from "./measured-processes.ts";
import { findRunner, mainThreadMs, processMs } from "./processor-time.ts";

/** Milliseconds of a round from the first token to the last. */
export interface Sample {
  readonly wallMs: number;
  readonly serverMs: number | null;
  /** Of the runner's main thread; the decode runs on another thread. */
  readonly mainThreadMs: number | null;
}

/**
 * Does as little as a client can: it counts bytes and checks the end of the stream.
 * @throws Error when the stream is not complete
 */
export async function streamRound(
  { baseUrl, processId }: ServerProcess,
  { prompt, endTokens, tokens }: BareModel & { readonly tokens: number },
): Promise<Sample> {
  const response = await fetch(`${baseUrl}/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "bench",
      prompt,
      max_tokens: tokens,
      temperature: 0,
      logit_bias: Object.fromEntries(endTokens.map((token) => [token, -100])),
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  const runnerId = findRunner(processId);
  const read = (): Sample => ({
    serverMs: processMs(processId),
    mainThreadMs: runnerId === null ? null : mainThreadMs(runnerId),
    wallMs: performance.now(),
  });
  let first: Sample | undefined;
  let bytes = 0;
  let tail: Uint8Array = new Uint8Array();
  for await (const chunk of response.body) {
    first ??= read();
    bytes += chunk.byteLength;
    tail = Buffer.concat([tail, chunk]).subarray(-2048);
  }
  const last = read();
  const end = Buffer.from(tail).toString();
  const counted = Number(/"completion_tokens":(\d+)/.exec(end)?.[1]);
  if (first === undefined || counted !== tokens || !end.includes("data: [DONE]")) {
    throw new Error(`${counted} tokens in ${bytes} bytes, not ${tokens}; the stream ends with: ${end.slice(-500)}`);
  }
  return difference(last, first);
}

export function difference(one: Sample, other: Sample): Sample {
  const minus = (a: number | null, b: number | null): number | null => (a === null ? null : a - (b ?? 0));
  return {
    wallMs: one.wallMs - other.wallMs,
    serverMs: minus(one.serverMs, other.serverMs),
    mainThreadMs: minus(one.mainThreadMs, other.mainThreadMs),
  };
}
