// `hearth serve`: starts the server, prints its address, and stops it in an orderly way.
import type { Configuration } from "../config/configuration.ts";
import { loadConfiguration } from "../config/load-configuration.ts";
import { version } from "../version.ts";
import { formatBanner } from "./banner.ts";
import type { CommandContext } from "./command.ts";
import { configurationOptions } from "./arguments/configuration-options.ts";
import { describeFailure } from "./failures.ts";
import { watchNpm } from "./process/npm-parent.ts";
import { processTable } from "./process/process-table.ts";
import { listenForStop } from "./process/stop-signals.ts";

export async function runServe(context: CommandContext): Promise<number> {
  const { environment, terminal } = context;
  const configuration = loadConfiguration(configurationOptions(context));
  for (const warning of configuration.warnings) terminal.warn(`Warning: ${warning}`);
  const stop = listenForStop(process, { exit: (code) => process.exit(code), now: () => performance.now() });
  const npm = watchNpm(environment, { processes: processTable, repeat: everyHalfSecond });
  const requested = Promise.race([
    stop.requested.then((signal) => `${signal}: finishing what is in progress. The same again ends at once.`),
    npm.gone.then(() => "npm has ended: finishing what is in progress."),
  ]);
  try {
    return await serveUntilStopped(configuration, { context, requested });
  } catch (error) {
    const { message, exitCode } = describeFailure(error, configuration);
    terminal.warn(message);
    return exitCode;
  } finally {
    stop.dispose();
    npm.dispose();
  }
}

function everyHalfSecond(look: () => void): () => void {
  const timer = setInterval(look, 500).unref();
  return () => clearInterval(timer);
}

async function serveUntilStopped(
  configuration: Configuration,
  {
    context,
    requested,
  }: { readonly context: CommandContext; /** Resolves with the reason. */ readonly requested: Promise<string> },
): Promise<number> {
  const { terminal } = context;
  // Imported only now: a mistake in the configuration is told before the HTTP stack is read from the disk.
  const { startServer } = await import("../app.ts");
  const server = await startServer(configuration);
  terminal.print(formatBanner(configuration, { url: server.url, version, palette: terminal.palette }));
  terminal.warn(await requested);
  await server.close();
  return 0;
}
