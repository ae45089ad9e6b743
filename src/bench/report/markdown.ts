// Formats a report as Markdown, for a terminal or a README.
import type { Report, ReportedFigure, ReportedPoint } from "./report.ts";
import type { Summary } from "../statistics.ts";

export function formatMarkdown(report: Report): string {
  const { machine, subjects, points, errors } = report;
  const rows = points.flatMap((point) => [
    ...point.figures.map((figure) => [point.label, ...toCells(figure, subjects.length)]),
    ...errorRow(point, subjects.length),
  ]);
  const header = ["", "figure", ...subjects.map(({ label }) => label), ...(subjects.length === 2 ? ["A / B"] : [])];
  return [
    `### ${report.title}`,
    "",
    ...subjects.map(({ label, what, model, command }) => {
      const started = command === null || command === what ? "" : `, started by \`${command}\``;
      return `- ${label}: \`${what}\`${model === null ? "" : `, model \`${model}\``}${started}`;
    }),
    `- ${Object.entries(report.parameters)
      .map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)
      .join(", ")}`,
    `- ${report.rounds} ${report.rounds === 1 ? "round" : "rounds"}, ${report.date.slice(0, 10)}, ` +
      `${machine.processor} (${machine.cores} cores, ${machine.memoryGigabytes} GB), ${machine.system}, Node ${machine.node}`,
    "",
    ...formatRows([header, ...rows]),
    "",
    "Median over the rounds (smallest to largest)." +
      (subjects.length === 2 ? " A / B is the median of the rounds' own ratios, with its 95 % interval." : ""),
    ...errors.map((message) => `\nFailed request of ${message}`),
    "",
    "```sh",
    report.commandLine,
    "```",
  ].join("\n");
}

function toCells(figure: ReportedFigure, subjects: number): string[] {
  const { title, unit, better, summaries, ratio } = figure;
  const arrow = better === "higher" ? " ↑" : better === "lower" ? " ↓" : "";
  const cells = [`${title} (${unit})${arrow}`, ...summaries.map((summary) => formatSummary(summary))];
  if (subjects !== 2) return cells;
  if (ratio === null || better === "neither") return [...cells, "–"];
  const { median, low, high } = ratio;
  return [...cells, `**${median.toFixed(2)}** (${low.toFixed(2)}–${high.toFixed(2)})`];
}

function errorRow({ label, errorCounts }: ReportedPoint, subjects: number): string[][] {
  if (errorCounts.every((count) => count === 0)) return [];
  return [[label, "failed requests", ...errorCounts.map(String), ...(subjects === 2 ? ["–"] : [])]];
}

function formatSummary(summary: Summary | null): string {
  if (summary === null) return "–";
  const { median, min, max, samples } = summary;
  const middle = formatNumber(median);
  return samples.length === 1 || min === max ? middle : `${middle} (${formatNumber(min)}–${formatNumber(max)})`;
}

/** Three significant digits, or all digits before the decimal point if they are more. */
export function formatNumber(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 6));
}

/** A table with padded columns, so that it can be read without being rendered. */
function formatRows(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(
    (row) => `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`,
  );
  const rule = `| ${widths.map((width, column) => (column < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [lines[0] ?? "", rule, ...lines.slice(1)];
}
