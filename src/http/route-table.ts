// The paths that the server answers, and the dialect of each. Errors can arise before any route has run (a wrong key, a wrong method, a
// full server), so the dialect of an error is found by the path.
import type { Hono } from "hono";
import type { Dialect } from "../wire/dialect.ts";
import { openAiDialect } from "../wire/openai/dialect.ts";
import type { HttpDependencies, HttpEnvironment } from "./context.ts";

/** Paths of one dialect. */
export interface RouteGroup {
  /** The form of these paths' errors, and the ends of their streams. */
  readonly dialect: Dialect;
  readonly register: (app: Hono<HttpEnvironment>, deps: HttpDependencies) => void;
}

/** The dialect of answers to requests for an unknown path, and to those whose path cannot be read. */
export const fallbackDialect: Dialect = openAiDialect;

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly dialect: Dialect;
}

export class RouteTable {
  readonly #routes: Route[] = [];

  /** Registers the group's routes with `app`, and keeps their methods and paths. */
  register(app: Hono<HttpEnvironment>, { group, deps }: { group: RouteGroup; deps: HttpDependencies }): void {
    const registered = app.routes.length;
    group.register(app, deps);
    for (const { method, path } of app.routes.slice(registered)) {
      this.#routes.push({ method, pattern: toPattern(path), dialect: group.dialect });
    }
  }

  /** The dialect of a path, whatever the method. */
  dialectOf(path: string): Dialect {
    return this.#routes.find(({ pattern }) => pattern.test(path))?.dialect ?? fallbackDialect;
  }

  /** Methods that the path takes; empty where there is no such path. */
  methodsOf(path: string): Set<string> {
    return new Set(this.#routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method));
  }
}

/** The paths a route takes, with Hono's two kinds of parameter: `:name` and `:name{pattern}`. */
function toPattern(path: string): RegExp {
  const source = path
    .replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&")
    .replaceAll(/:\w+(?:\{[^}]*\})?/g, (parameter) => (parameter.includes("{") ? ".+" : "[^/]+"));
  return new RegExp(`^${source}$`);
}
