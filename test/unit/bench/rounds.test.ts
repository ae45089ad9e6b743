import { describe, expect, it } from "vitest";
import type { Benchmark, Point, Subject } from "../../../src/bench/benchmark.ts";
import { formatMarkdown, formatNumber } from "../../../src/bench/report/markdown.ts";
import { renderPlot } from "../../../src/bench/report/plot.ts";
import { createReport } from "../../../src/bench/report/report.ts";
import { runRounds } from "../../../src/bench/rounds.ts";

const subject = (label: string): Subject => ({
  label,
  server: null,
  process: null,
  command: null,
  processId: () => 0,
});
const subjects = [subject("A"), subject("B")];
const points: Point[] = [1, 4].map((x) => ({ label: `${x} streams`, series: "", x }));

/** B takes twice as long as A, and at 4 streams one request of B fails. */
function fakeBenchmark(log: string[] = []): Benchmark {
  return {
    name: "fake",
    title: "Fake",
    parameters: { prompt_tokens: 64 },
    points,
    axis: "streams",
    figures: [
      { key: "latency", title: "latency, p50", unit: "ms", better: "lower" },
      { key: "size", title: "size", unit: "tok", better: "neither" },
      { key: "never", title: "never measured", unit: "ms", better: "lower" },
    ],
    unitOfWork: "token",
    charts: [{ title: "Latency", unit: "ms", figures: ["latency"] }],
    startsServers: false,
    prepare: () => {
      log.push("prepare");
      return Promise.resolve();
    },
    measure: ({ label }, { point, round }) => {
      log.push(`${round}:${point.x}${label}`);
      const latency = point.x * 10 * (label === "A" ? 1 : 2) + round;
      const errors = label === "B" && point.x === 4 ? ["503 busy"] : [];
      return Promise.resolve({ values: { latency, size: 64 }, errors });
    },
  };
}

const run = (benchmark: Benchmark, signal = new AbortController().signal) =>
  runRounds(benchmark, { subjects, rounds: 2, warmups: 1, onMeasure: () => undefined, signal });

describe("runRounds", () => {
  it("warms both up, then lets them take turns at every point, and alternates who goes first", async () => {
    const log: string[] = [];
    await run(fakeBenchmark(log));
    expect(log).toEqual("prepare -1:1B -1:1A -1:4A -1:4B 0:1A 0:1B 0:4B 0:4A 1:1B 1:1A 1:4A 1:4B".split(" "));
  });

  it("keeps what was measured by point, subject and round, without the warm-up", async () => {
    const [one, four] = await run(fakeBenchmark());
    expect(one?.rounds.map((values) => values.map(({ latency }) => latency))).toEqual([
      [10, 11],
      [20, 21],
    ]);
    expect(four?.errors).toEqual([[], ["503 busy", "503 busy"]]);
  });

  it("rejects with the reason of its signal", async () => {
    await expect(run(fakeBenchmark(), AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  });
});

async function report(count = 2) {
  const benchmark = fakeBenchmark();
  const shown = subjects.slice(0, count);
  const results = await runRounds(benchmark, {
    subjects: shown,
    rounds: 2,
    warmups: 0,
    onMeasure: () => undefined,
    signal: new AbortController().signal,
  });
  const reported = shown.map(({ label }) => ({ label, what: `http://${label}/v1`, model: "m", command: null }));
  const date = new Date("2025-06-01T12:00:00Z");
  return createReport(benchmark, results, {
    subjects: shown,
    reported,
    rounds: 2,
    commandLine: "hearth bench fake",
    date,
  });
}

describe("formatMarkdown", () => {
  it("gives medians, spread and the ratio with its interval, and counts what failed", async () => {
    const lines = formatMarkdown(await report()).split("\n");
    expect(lines.filter((line) => line.startsWith("|")).map((line) => line.replaceAll(/ +/g, " "))).toEqual([
      "| | figure | A | B | A / B |",
      expect.stringMatching(/^\| -+ \| -+ \| -+: \| -+: \| -+: \|$/),
      "| 1 streams | latency, p50 (ms) ↓ | 10.5 (10.0–11.0) | 20.5 (20.0–21.0) | **0.51** (0.50–0.52) |",
      "| 1 streams | size (tok) | 64.0 | 64.0 | – |",
      "| 4 streams | latency, p50 (ms) ↓ | 40.5 (40.0–41.0) | 80.5 (80.0–81.0) | **0.50** (0.50–0.51) |",
      "| 4 streams | size (tok) | 64.0 | 64.0 | – |",
      "| 4 streams | failed requests | 0 | 2 | – |",
    ]);
    const text = lines.join("\n");
    expect(text).toContain("- A: `http://A/v1`, model `m`\n- B: `http://B/v1`, model `m`\n- prompt tokens 64\n");
    expect(text).toContain("- 2 rounds, 2025-06-01, ");
    expect(text).toContain("Failed request of B: 503 busy");
    expect(text).toContain("```sh\nhearth bench fake\n```");
  });

  it("leaves out the ratio when only one was measured", async () => {
    const text = formatMarkdown(await report(1));
    expect(text).not.toContain("A / B");
    expect(text).toMatch(/\| 1 streams \| latency, p50 \(ms\) ↓ \| 10\.5 \(10\.0–11\.0\) +\|/);
  });

  it.each([
    [0, "0"],
    [1234.5, "1235"],
    [123.4, "123"],
    [12.34, "12.3"],
    [0.01234, "0.0123"],
    [-5.5, "-5.50"],
  ])("writes %d as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

describe("renderPlot", () => {
  it("draws one line per subject, as SVG", async () => {
    const svg = await renderPlot(await report());
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg).toContain("Latency (ms)");
    for (const label of ["A", "B"]) expect(svg).toMatch(new RegExp(`<text[^>]*>${label}</text>`));
    // The line of each subject in its own colour.
    for (const colour of ["#0072b2", "#d55e00"]) expect(svg).toContain(`stroke="${colour}"`);
  });
});
