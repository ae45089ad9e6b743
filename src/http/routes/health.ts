// GET /health/live (the process answers) and GET /health/ready (it takes requests, with the state of every model). GET /health is an
// alias of the latter, which llama-server's users know.
import type { HealthReport } from "../../services/health.ts";
import { openAiDialect } from "../../wire/openai/dialect.ts";
import { toStateBody } from "../model-bodies.ts";
import type { RouteGroup } from "../route-table.ts";

export const healthRoutes: RouteGroup = {
  dialect: openAiDialect,
  register(app, { health }) {
    app.get("/health/live", (context) => context.json({ status: "ok" }));

    const ready = (): Response => {
      const report = health.report();
      return Response.json(toWire(report), { status: report.status === "ok" ? 200 : 503 });
    };
    app.get("/health/ready", ready);
    app.get("/health", ready);
  },
};

function toWire(report: HealthReport): Record<string, unknown> {
  return {
    status: report.status,
    version: report.version,
    uptime_seconds: report.uptimeSeconds,
    resident_bytes: report.residentBytes,
    models: report.models.map(toStateBody),
  };
}
