// `hearth rm`: removes a pulled model after asking.
import { HubFailure } from "../../hub/failures.ts";
import { ModelStore } from "../../hub/store/model-store.ts";
import { planRemoval, removeModel, type Removal } from "../../hub/store/remove-model.ts";
import { formatBytes } from "../../util/format-bytes.ts";
import { nearestName } from "../../util/nearest.ts";
import { isSet } from "../arguments/flag-values.ts";
import { UsageError } from "../arguments/usage-error.ts";
import type { CommandContext } from "../command.ts";
import { exitCodes } from "../failures.ts";
import { readModelPlaces } from "./hub-places.ts";

export async function runRemove(context: CommandContext): Promise<number> {
  const { flags, operand, terminal } = context;
  const store = new ModelStore(readModelPlaces(context).storeDirectory);
  const model = store.find(operand) ?? store.findByReference(operand);
  if (model === undefined) {
    const nearest = nearestName(
      operand,
      store.list().map(({ name }) => name),
    );
    throw new HubFailure("missing-file", {
      message: `No model named ${operand} has been pulled.${nearest === null ? "" : ` Did you mean ${nearest}?`}`,
      remedy: "hearth list prints those that were. What other programs have fetched is theirs to remove.",
    });
  }
  const removal = planRemoval(model, store);
  if (!isSet(flags, "yes")) {
    if (terminal.ask === null) throw new UsageError("Nobody can be asked here: say --yes.");
    const answer = await terminal.ask(`${describePlan(model.name, removal)} Remove it? [y/N] `);
    if (!/^y(?:es)?$/i.test(answer.trim())) {
      terminal.warn("Nothing was removed.");
      return exitCodes.failed;
    }
  }
  await removeModel(model, store);
  if (isSet(flags, "json")) {
    const { bytes, contents, foreign, shared } = removal;
    const value = {
      event: "removed",
      name: model.name,
      bytes,
      files: contents.length,
      left: foreign.length + shared.length,
    };
    terminal.print(JSON.stringify(value));
  } else terminal.print(`${model.name} is removed: ${formatBytes(removal.bytes)} are free.`);
  return 0;
}

function describePlan(name: string, { bytes, contents, foreign, shared }: Removal): string {
  const left = [
    ...(foreign.length === 0 ? [] : [`${count(foreign.length)} fetched by another program`]),
    ...(shared.length === 0 ? [] : [`${count(shared.length)} that another model uses`]),
  ];
  const rest = left.length === 0 ? "" : ` ${left.join(" and ")} stay.`;
  return `${name}: ${count(contents.length)}, ${formatBytes(bytes)}.${rest}`;
}

function count(files: number): string {
  return files === 1 ? "1 file" : `${files} files`;
}
