// Embeddings without a server: bare onnxruntime-node calls with texts of similar length together, or with `--naive` the pipeline of
// transformers.js as its documentation shows it. Both tokenise, only the pipeline pools.
//
//   hearth bench embeddings ... --against-process 'npx tsx scripts/bench-peers/embeddings.ts FOLDER'
//     [--naive] [--precision fp32|int8] [--threads 2] [--batch-tokens 512] [--padding 0.1] [--spinning]
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { openBareRuntime, openNaivePipeline } from "../bench-embeddings/bare-runtime.ts";
import { answerLines, secondsOf } from "./answer-lines.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    naive: { type: "boolean", default: false },
    spinning: { type: "boolean", default: false },
    precision: { type: "string", default: "fp32" },
    threads: { type: "string", default: String(availableParallelism()) },
    "batch-tokens": { type: "string", default: "512" },
    padding: { type: "string", default: "0.1" },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("Which folder holds the model?");
const options = { precision: values.precision === "int8" ? "int8" : "fp32", threads: Number(values.threads) } as const;
const embed = values.naive ? await openNaivePipeline(resolve(folder), options) : await openBare(resolve(folder));

await answerLines(async (request) => {
  const { texts, batch } = request as { readonly texts: readonly string[]; readonly batch: number };
  // The pipeline gets the batches that a caller would send; bare calls may arrange all texts as suits them best.
  const size = values.naive ? batch : texts.length;
  const seconds = await secondsOf(async () => {
    for (let start = 0; start < texts.length; start += size) await embed(texts.slice(start, start + size));
  });
  return { seconds };
});

async function openBare(path: string): Promise<(texts: readonly string[]) => Promise<void>> {
  const bare = await openBareRuntime(path, { ...options, spinning: values.spinning });
  const schedule = {
    name: "floor",
    maxBatchTokens: Number(values["batch-tokens"]),
    maxPaddingShare: Number(values.padding),
  };
  return (texts) => bare.embed(texts, schedule);
}
