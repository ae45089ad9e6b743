// Creates the server's logger (pino), which writes JSON lines or readable lines.
import { pino, type Logger } from "pino";

export type { Logger } from "pino";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

export interface LogOptions {
  readonly level: LogLevel;
  /** `auto` = pretty on a terminal, else JSON. */
  readonly format: "json" | "pretty" | "auto";
}

/** The logger. It writes to standard error, so that a command's own output on standard output stays clean. */
export async function createLogger({ level, format }: LogOptions): Promise<Logger> {
  const pretty = format === "pretty" || (format === "auto" && process.stderr.isTTY);
  const options = { level, base: null };
  if (!pretty)
    return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: false }));
  const { default: prettyStream } = await import("pino-pretty");
  return pino(
    options,
    prettyStream({ destination: 2, colorize: process.stderr.isTTY, translateTime: "HH:MM:ss", sync: true }),
  );
}
