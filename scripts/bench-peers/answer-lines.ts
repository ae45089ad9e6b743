// The process's side of `hearth bench --against-process`: one request per line of standard input, one answer per line of standard output,
// both JSON. Lines that a library prints there do no harm, as they are no JSON objects.
import { createInterface } from "node:readline";

export type Answer = Readonly<Record<string, number>>;

/** Answers requests until standard input ends; a failure is answered as `{ "error": message }`. */
export async function answerLines(answer: (request: unknown) => Promise<Answer>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      console.log(JSON.stringify(await answer(JSON.parse(line) as unknown)));
    } catch (error) {
      console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
    }
  }
}

/** Seconds that `work` takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}
