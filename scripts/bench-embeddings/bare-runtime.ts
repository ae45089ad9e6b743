// What the embeddings backend is compared with: bare onnxruntime-node calls in a given schedule, and the pipeline of transformers.js.
import { InferenceSession, Tensor } from "onnxruntime-node";
import { AutoTokenizer, env, pipeline } from "@huggingface/transformers";
import { join } from "node:path";
import type { BenchPrecision } from "./bench-model.ts";

env.allowRemoteModels = false;

/** How texts are shared among calls of the runtime. */
export interface Schedule {
  readonly name: string;
  /** Largest longest x count of a call; 0 = one text per call. */
  readonly maxBatchTokens: number;
  readonly maxPaddingShare: number;
}

/** One text per call, and texts of similar length together, within various limits. */
export const schedules: readonly Schedule[] = [
  { name: "one text per call", maxBatchTokens: 0, maxPaddingShare: 0 },
  ...[128, 256, 512, 1024, 2048].flatMap((maxBatchTokens) =>
    [0.05, 0.1, 0.2].map((maxPaddingShare) => ({
      name: `${maxBatchTokens} tokens, ${maxPaddingShare * 100} % padding`,
      maxBatchTokens,
      maxPaddingShare,
    })),
  ),
];

export interface BareRuntime {
  /** Tokenises and runs all texts. It does not pool, which is an advantage over the backend. */
  embed(texts: readonly string[], schedule: Schedule): Promise<void>;
}

export async function openBareRuntime(
  folder: string,
  {
    precision,
    threads,
    spinning,
  }: { readonly precision: BenchPrecision; readonly threads: number; readonly spinning: boolean },
): Promise<BareRuntime> {
  const tokenizer = await AutoTokenizer.from_pretrained(folder);
  const file = precision === "fp32" ? "model.onnx" : "model_int8.onnx";
  const session = await InferenceSession.create(join(folder, "onnx", file), {
    intraOpNumThreads: threads,
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(spinning ? {} : { extra: { session: { intra_op: { allow_spinning: "0" } } } }),
  });
  return {
    async embed(texts, schedule) {
      const encoded = texts.map((text) => tokenizer.encode(text)).sort((a, b) => b.length - a.length);
      for (let start = 0; start < encoded.length;) {
        const end = batchEnd(encoded, { start, schedule });
        await runBatch(session, encoded.slice(start, end));
        start = end;
      }
    },
  };
}

/** The end of the call that begins at `start`. `encoded` is sorted longest first, so its first text is its longest. */
function batchEnd(
  encoded: readonly (readonly number[])[],
  { start, schedule }: { readonly start: number; readonly schedule: Schedule },
): number {
  const longest = encoded[start]?.length ?? 0;
  let tokens = longest;
  let end = start + 1;
  while (end < encoded.length) {
    tokens += encoded[end]?.length ?? 0;
    const padded = longest * (end - start + 1);
    if (padded > schedule.maxBatchTokens || 1 - tokens / padded > schedule.maxPaddingShare) break;
    end += 1;
  }
  return end;
}

async function runBatch(session: InferenceSession, batch: readonly (readonly number[])[]): Promise<void> {
  const length = batch[0]?.length ?? 0;
  const dims = [batch.length, length];
  const ids = new BigInt64Array(batch.length * length);
  const mask = new BigInt64Array(batch.length * length);
  for (const [row, text] of batch.entries()) {
    for (const [column, id] of text.entries()) {
      ids[row * length + column] = BigInt(id);
      mask[row * length + column] = 1n;
    }
  }
  await session.run(
    {
      input_ids: new Tensor("int64", ids, dims),
      attention_mask: new Tensor("int64", mask, dims),
      token_type_ids: new Tensor("int64", new BigInt64Array(ids.length), dims),
    },
    ["last_hidden_state"],
  );
}

/** `pipeline("feature-extraction")(texts)`, as its documentation shows it. */
export async function openNaivePipeline(
  folder: string,
  { precision, threads }: { readonly precision: BenchPrecision; readonly threads: number },
): Promise<(texts: readonly string[]) => Promise<void>> {
  const extract = await pipeline("feature-extraction", folder, {
    dtype: precision,
    session_options: { intraOpNumThreads: threads },
  });
  return async (texts) => {
    const output = await extract([...texts], { pooling: "mean", normalize: true });
    output.dispose();
  };
}
