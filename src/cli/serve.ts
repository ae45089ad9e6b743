// `hearth serve`: starts the server, says where it is, and ends it in good order.
import type { Configuration } from "../config/configuration.ts";
import { loadConfiguration } from "../config/load-configuration.ts";
import { version } from "../version.ts";
import { formatBanner } from "./banner.ts";
import type { CommandContext } from "./command.ts";
import { describeFailure } from "./failures.ts";
import { listenForStop } from "./stop-signals.ts";

export async function runServe(context: CommandContext): Promise<number> {
  const { flags, environment, cwd, terminal } = context;
  const configuration = loadConfiguration({ flags, environment, cwd });
  for (const warning of configuration.warnings) terminal.warn(`Warning: ${warning}`);
  const stop = listenForStop(process, { exit: (code) => process.exit(code), now: () => performance.now() });
  try {
    return await serveUntilStopped(configuration, { context, requested: stop.requested });
  } catch (error) {
    const { message, exitCode } = describeFailure(error, configuration);
    terminal.warn(message);
    return exitCode;
  } finally {
    stop.dispose();
  }
}

async function serveUntilStopped(
  configuration: Configuration,
  { context, requested }: { readonly context: CommandContext; readonly requested: Promise<string> },
): Promise<number> {
  const { terminal } = context;
  // Loaded only now: a mistake in the configuration is told before the HTTP stack is read from the disk.
  const { startServer } = await import("../app.ts");
  const server = await startServer(configuration);
  terminal.print(formatBanner(configuration, { url: server.url, version, palette: terminal.palette }));
  const signal = await requested;
  terminal.warn(`${signal}: finishing what is in progress. The same again ends at once.`);
  await server.close();
  return 0;
}
