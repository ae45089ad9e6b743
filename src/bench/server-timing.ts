// Reads the time inside the runtime from a server's header `server-timing` (W3C Server Timing).

/** Names that servers give to time inside a runtime library. */
const runtimeMetrics = new Set(["runtime", "inference", "denoise", "decode", "encode"]);

/** Milliseconds inside the runtime, summed; `null` when the server tells none. */
export function runtimeMs(header: string | readonly string[] | undefined): number | null {
  const written = typeof header === "string" ? header : (header ?? []).join(",");
  const durations = written.split(",").flatMap((metric) => {
    const [name = "", ...parameters] = metric.split(";").map((part) => part.trim());
    const duration = parameters.find((parameter) => parameter.startsWith("dur="))?.slice("dur=".length);
    return runtimeMetrics.has(name.toLowerCase()) && duration !== undefined
      ? [Number(duration.replaceAll('"', ""))]
      : [];
  });
  return durations.length === 0 ? null : durations.reduce((total, duration) => total + duration, 0);
}
