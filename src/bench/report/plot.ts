// Draws a report as SVG, each chart of the benchmark as lines over its axis, by Apache ECharts, which needs no browser. It is large, so it
// is no dependency of the server: users who want plots install it.
import type { EChartsOption } from "echarts";
import { formatNumber } from "./markdown.ts";
import type { Report } from "./report.ts";

const width = 860;
const panelHeight = 300;
const margin = { top: 84, bottom: 50, left: 80, right: 30 };
/** Okabe and Ito's colours, which colour-blind readers can tell apart. */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442"];

/** The SVG. @throws Error that says what to install when ECharts is absent */
export async function renderPlot(report: Report): Promise<string> {
  const echarts = await import("echarts").catch((error: unknown) => {
    throw new Error("A plot needs the package echarts: npm install echarts", { cause: error });
  });
  const height = report.charts.length * panelHeight;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption(toOption(report));
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

interface Line {
  readonly panel: number;
  readonly name: string;
  readonly data: readonly (number | null)[];
}

function toOption(report: Report): EChartsOption {
  const positions = [...new Set(report.points.map(({ x }) => x))].sort((a, b) => a - b);
  const lines = report.charts.flatMap((_, panel) => toLines(report, { panel, positions }));
  const names = [...new Set(lines.map(({ name }) => name))];
  return {
    animation: false,
    backgroundColor: "#ffffff",
    title: report.charts.map(({ title, unit }, panel) => ({
      text: `${title} (${unit})`,
      left: margin.left,
      top: panel * panelHeight + 8,
      textStyle: { fontSize: 14 },
    })),
    legend: report.charts.map((_, panel) => ({
      data: lines.filter((line) => line.panel === panel).map(({ name }) => name),
      left: margin.left,
      top: panel * panelHeight + 30,
      // Renderers choose their own fonts, and a wide one would run into the next name.
      itemGap: 32,
    })),
    grid: report.charts.map((_, panel) => ({
      left: margin.left,
      right: margin.right,
      top: panel * panelHeight + margin.top,
      height: panelHeight - margin.top - margin.bottom,
    })),
    xAxis: report.charts.map((_, panel) => ({
      type: "category",
      gridIndex: panel,
      data: positions.map(String),
      name: report.axis,
      nameLocation: "middle",
      nameGap: 26,
    })),
    yAxis: report.charts.map((_, panel) => ({
      type: "value",
      gridIndex: panel,
      min: 0,
      axisLabel: { formatter: (value: number) => formatNumber(value) },
    })),
    series: lines.map(({ panel, name, data }) => ({
      type: "line",
      name,
      data: [...data],
      xAxisIndex: panel,
      yAxisIndex: panel,
      symbolSize: 7,
      color: colours[names.indexOf(name) % colours.length] ?? "#000000",
    })),
  };
}

/** The lines of a chart, one for each figure, series of points and subject. They show medians over the rounds. */
function toLines(
  report: Report,
  { panel, positions }: { readonly panel: number; readonly positions: readonly number[] },
): Line[] {
  const series = [...new Set(report.points.map((point) => point.series))];
  const keys = report.charts[panel]?.figures ?? [];
  return report.subjects.flatMap(({ label }, subject) =>
    series.flatMap((name) =>
      keys.map((key) => {
        const title =
          report.points.flatMap(({ figures }) => figures).find((figure) => figure.key === key)?.title ?? key;
        const short = title.split(", ").at(-1) ?? title;
        const parts = [label, name, keys.length > 1 ? short : ""].filter((part) => part !== "");
        const data = positions.map((x) => {
          const point = report.points.find((candidate) => candidate.series === name && candidate.x === x);
          return point?.figures.find((figure) => figure.key === key)?.summaries[subject]?.median ?? null;
        });
        return { panel, name: parts.join(", "), data };
      }),
    ),
  );
}
