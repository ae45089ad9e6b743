// GET /admin/models (the state of every model), POST /admin/models/{id}/load and .../unload, whose ids may contain slashes, and
// GET /admin/events (server-sent events: all states, then every change).
import type { WatchedEvent } from "../../services/administration.ts";
import type { SseEvent } from "../../wire/sse-event.ts";
import { openAiDialect } from "../../wire/openai/dialect.ts";
import type { HttpContext } from "../endpoint.ts";
import { toServerError } from "../error-response.ts";
import { mapEvents } from "../stream/event-iterators.ts";
import { toEventBody, toStateBody } from "../model-bodies.ts";
import type { RouteGroup } from "../route-table.ts";
import { sseResponse } from "../stream/sse-response.ts";

export const adminRoutes: RouteGroup = {
  dialect: openAiDialect,
  register(app, { administration, settings }) {
    app.get("/admin/models", (context) => context.json({ models: administration.list().map(toStateBody) }));

    app.post("/admin/models/:id{.+}/load", async (context) => {
      const { signal } = context.get("lifetime");
      return context.json(toStateBody(await administration.load(context.req.param("id"), signal)));
    });

    app.post("/admin/models/:id{.+}/unload", async (context) => {
      const { signal } = context.get("lifetime");
      return context.json(toStateBody(await administration.unload(context.req.param("id"), signal)));
    });

    app.get("/admin/events", (context: HttpContext) => {
      const lifetime = context.get("lifetime");
      lifetime.defer();
      return sseResponse({
        events: mapEvents(administration.watch(lifetime.signal), {
          toEvents: (event) => [toEvent(event)],
          streamEnd: [],
        }),
        pingMs: settings.ssePingMs,
        onLeave: () => lifetime.leave(),
        onEnd: () => lifetime.end(),
        onError: (thrown) => openAiDialect.streamError(toServerError(thrown, context.get("requestId"))),
      });
    });
  },
};

function toEvent(event: WatchedEvent): SseEvent {
  const body = event.type === "states" ? { type: "states", models: event.models.map(toStateBody) } : toEventBody(event);
  return { event: String(body["type"]), data: JSON.stringify(body) };
}
