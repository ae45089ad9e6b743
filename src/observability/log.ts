// The server's log: pino, as lines of JSON for machines or as readable lines for a terminal.
import { pino, type Logger } from "pino";

export type { Logger } from "pino";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

export interface LogOptions {
  readonly level: LogLevel;
  /** `auto` = pretty on a terminal, else JSON. */
  readonly format: "json" | "pretty" | "auto";
}

/** Creates the logger. Lines go to standard error, so that what a command prints stays clean. */
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
