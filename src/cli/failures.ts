// The messages and exit codes of failures. A mistake of the user gets a sentence, never a stack.
import type { Configuration } from "../config/configuration.ts";
import { ConfigurationError, formatProblem } from "../config/problems/problems.ts";
import { ServerError } from "../domain/errors.ts";
import { HubFailure, type HubFailureReason } from "../hub/failures.ts";

/** Exit codes of the command, as `--help` lists them. */
export const exitCodes = {
  /** Something failed that neither the command line nor the configuration caused. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration cannot be used. */
  configuration: 3,
  /** The address cannot be listened on. */
  address: 4,
  /** There is no such model, or this user may not have it: the same command will not succeed later. */
  refused: 5,
  /** The user has interrupted it, by the custom of shells (128 + SIGINT). */
  interrupted: 130,
} as const;

export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

/** The message and exit code for anything that was thrown. */
export function describeFailure(error: unknown, configuration?: Configuration): Failure {
  if (error instanceof ConfigurationError) return describeConfigurationError(error);
  if (error instanceof HubFailure) return describeHubFailure(error);
  if (error instanceof ServerError)
    return { message: `Hearth could not start: ${error.message}`, exitCode: exitCodes.failed };
  const address = configuration === undefined ? null : describeAddressError(error, configuration);
  if (address !== null) return { message: address, exitCode: exitCodes.address };
  // Anything else is a fault of Hearth, and a report of it needs the stack.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `Hearth failed unexpectedly.\n${text}`, exitCode: exitCodes.failed };
}

/** Failures of a pull that only another command line, another account or another file can help. */
const refusals: ReadonlySet<HubFailureReason> = new Set([
  "missing-or-private",
  "missing-revision",
  "missing-file",
  "missing-variant",
  "gated",
  "disabled",
  "token-rejected",
  "forbidden",
  "too-large",
  "unsafe-path",
  "unsupported",
]);

function describeHubFailure({ message, remedy, reason }: HubFailure): Failure {
  const isUsage = reason === "bad-reference" || reason === "unknown-name";
  return {
    message: remedy === null ? message : `${message}\n${remedy}`,
    exitCode: isUsage ? exitCodes.usage : refusals.has(reason) ? exitCodes.refused : exitCodes.failed,
  };
}

function describeConfigurationError({ problems }: ConfigurationError): Failure {
  const isUsage = problems.every(({ origin }) => origin.from === "flag");
  const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
  const count = problems.length === 1 ? "a mistake" : `${problems.length} mistakes`;
  const where = isUsage ? "The command line" : "The configuration";
  return {
    message: [`${where} has ${count}:`, ...lines].join("\n"),
    exitCode: isUsage ? exitCodes.usage : exitCodes.configuration,
  };
}

function describeAddressError(error: unknown, { server, file }: Configuration): string | null {
  const { host, port } = server;
  const elsewhere = (flag: string, variable: string, key: string): string =>
    `--${flag}, the variable ${variable}, or ${key} in ${file}`;
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case "EADDRINUSE":
      return (
        `Port ${port} of ${host} is in use by another program, perhaps another Hearth. ` +
        `Choose another with ${elsewhere("port", "HEARTH_PORT", "server.port")}; --port 0 takes a free one.`
      );
    case "EACCES":
      return (
        `Port ${port} may not be opened by this user: ports below 1024 are kept for the administrator. ` +
        `Choose another with ${elsewhere("port", "HEARTH_PORT", "server.port")}.`
      );
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
      return (
        `This machine has no address ${host} to listen on. 127.0.0.1 is this machine only, 0.0.0.0 is every network. ` +
        `Choose with ${elsewhere("host", "HEARTH_HOST", "server.host")}.`
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `The host ${host} has no address. Choose with ${elsewhere("host", "HEARTH_HOST", "server.host")}.`;
    default:
      return null;
  }
}
