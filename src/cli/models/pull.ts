// `hearth pull`: fetches a model and shows how far it is.
import { inspectPath } from "../../model-files/inspect-path.ts";
import type { PulledModel } from "../../domain/hub/pull.ts";
import { readHubEnvironment } from "../../hub/environment.ts";
import { loadKnownModels } from "../../hub/known-models/known-models.ts";
import { pullModel } from "../../hub/pull/pull-model.ts";
import { ModelStore } from "../../hub/store/model-store.ts";
import { formatBytes } from "../../util/format-bytes.ts";
import { integerFlag, isSet, textFlag } from "../arguments/flag-values.ts";
import type { CommandContext } from "../command.ts";
import { describeFailure, exitCodes } from "../failures.ts";
import { readModelPlaces } from "./hub-places.ts";
import { createPullView, type PullView } from "./pull-view.ts";
import { toJsonLine } from "./pull-json.ts";

export async function runPull(context: CommandContext): Promise<number> {
  const { flags, environment, operand, terminal } = context;
  const places = readModelPlaces(context);
  const connections = integerFlag(flags, "connections", { fallback: null, least: 1 });
  const name = textFlag(flags, "name", null);
  const isJson = isSet(flags, "json");
  const view = isJson ? undefined : createPullView(terminal, readHubEnvironment(environment));
  const interruption = listenForInterrupt();
  try {
    const model = await pullModel(operand, {
      environment,
      store: new ModelStore(places.storeDirectory),
      knownModels: loadKnownModels(places.knownModels, environment),
      listener: isJson ? (event) => terminal.print(toJsonLine(event)) : (view as PullView).show,
      signal: interruption.signal,
      ...(connections === null ? {} : { connections }),
      ...(name === null ? {} : { name }),
    });
    view?.close();
    if (!isJson) terminal.print(describeResult(model));
    return 0;
  } catch (error) {
    view?.close();
    const { message, exitCode } = interruption.signal.aborted
      ? {
          message: "Interrupted. What has been fetched is kept: the same command goes on from there.",
          exitCode: exitCodes.interrupted,
        }
      : describeFailure(error);
    if (isJson) terminal.print(JSON.stringify({ event: "failed", message, exit_code: exitCode }));
    else terminal.warn(message);
    return exitCode;
  } finally {
    interruption.dispose();
  }
}

/** The first Ctrl-C ends the pull in an orderly way, with its journal written; the second ends the process. */
function listenForInterrupt(): { readonly signal: AbortSignal; readonly dispose: () => void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(new Error("interrupted"));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}

function describeResult({ name, path, bytes, license }: PulledModel): string {
  const lines = [`${name} is here: ${formatBytes(bytes)}`, `  ${path}`];
  if (license !== null) lines.push(`  licence: ${license.name}${license.url === null ? "" : `, ${license.url}`}`);
  const finding = inspectPath(path);
  if (finding.ok) lines.push(`Serve it with: hearth serve`, `and ask for the model ${JSON.stringify(name)}.`);
  else lines.push(`It cannot be served: it ${finding.message}`);
  return lines.join("\n");
}
