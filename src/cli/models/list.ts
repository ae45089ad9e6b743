// `hearth list`: the models that were pulled; with `--discover` what lies on this machine, with `--known` what can be pulled by name.
import { inspectPath } from "../../model-files/inspect-path.ts";
import { findModels } from "../../hub/discover/find-models.ts";
import type { FoundModel } from "../../hub/discover/found-model.ts";
import { loadKnownModels } from "../../hub/known-models/known-models.ts";
import { isPresent, ModelStore, type StoredModel } from "../../hub/store/model-store.ts";
import { formatBytes } from "../../util/format-bytes.ts";
import { isSet } from "../arguments/flag-values.ts";
import { UsageError } from "../arguments/usage-error.ts";
import type { CommandContext } from "../command.ts";
import { formatTable, type Terminal } from "../terminal.ts";
import { readModelPlaces } from "./hub-places.ts";

interface Listing {
  readonly header: readonly string[];
  /** Cells, and the same as an object. */
  readonly rows: readonly { readonly cells: readonly string[]; readonly value: Readonly<Record<string, unknown>> }[];
  readonly empty: string;
  /** Lines after the table. */
  readonly notes: readonly string[];
}

export function runList(context: CommandContext): Promise<number> {
  const { flags, terminal } = context;
  if (isSet(flags, "discover") && isSet(flags, "known"))
    throw new UsageError("--discover and --known exclude each other.");
  const listing = isSet(flags, "known")
    ? listKnown(context)
    : isSet(flags, "discover")
      ? listFound(context)
      : listPulled(context);
  if (isSet(flags, "json")) for (const { value } of listing.rows) terminal.print(JSON.stringify(value));
  else printListing(listing, terminal);
  return Promise.resolve(0);
}

function printListing({ header, rows, empty, notes }: Listing, terminal: Terminal): void {
  if (rows.length === 0) terminal.print(empty);
  else {
    const [first = "", ...lines] = formatTable([header, ...rows.map(({ cells }) => cells)]);
    terminal.print([terminal.palette.strong(first), ...lines].join("\n"));
  }
  for (const note of notes) terminal.print(terminal.palette.faint(note));
}

function listPulled(context: CommandContext): Listing {
  const { storeDirectory } = readModelPlaces(context);
  const models = new ModelStore(storeDirectory).list();
  return {
    header: ["NAME", "SERVES", "SIZE", "LICENCE", "PATH"],
    rows: models.map((model) => {
      const { name, path, license, source, commit, pulledAt } = model;
      const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0);
      const state = stateOf(model);
      return {
        cells: [name, state ?? servesOf(path), formatBytes(bytes), license?.name ?? "-", path],
        value: {
          name,
          serves: state === null ? servesOf(path) : null,
          state: state ?? "complete",
          bytes,
          license: license?.name ?? null,
          path,
          source,
          commit,
          pulled_at: pulledAt,
        },
      };
    }),
    empty:
      "No model has been pulled. hearth list --known prints names to pull, hearth list --discover what is here besides.",
    notes: models.some((model) => stateOf(model) !== null)
      ? ["hearth pull NAME completes what is not complete, hearth rm NAME removes it."]
      : [],
  };
}

/** `null` where the model is complete and in place. */
function stateOf(model: StoredModel): string | null {
  if (isPresent(model)) return null;
  return model.isComplete ? "gone" : "incomplete";
}

function servesOf(path: string): string {
  const finding = inspectPath(path);
  return finding.ok ? finding.purpose : "-";
}

function listFound(context: CommandContext): Listing {
  const { modelsDirectories } = readModelPlaces(context);
  const found = findModels({ environment: context.environment, modelsDirectories });
  const servable = found.filter(({ problem }) => problem === null);
  const others = found.filter(({ problem }) => problem !== null);
  return {
    header: ["NAME", "SERVES", "SIZE", "FOUND IN", "PATH"],
    rows: servable.map(toFoundRow),
    empty: "No model that can be served was found.",
    notes: [
      ...(servable.length === 0 ? [] : ["Serve one without copying it: hearth serve --model NAME"]),
      ...(others.length === 0 ? [] : [`Found, and cannot be served:`]),
      ...others.map(({ name, problem }) => `  ${name}: ${problem}`),
    ],
  };
}

function toFoundRow({ name, purpose, bytes, foundIn, path }: FoundModel): Listing["rows"][number] {
  return {
    cells: [name, purpose ?? "-", formatBytes(bytes), foundIn, path],
    value: { name, serves: purpose, bytes, found_in: foundIn, path },
  };
}

function listKnown(context: CommandContext): Listing {
  const { knownModels } = readModelPlaces(context);
  const models = loadKnownModels(knownModels, context.environment).list();
  return {
    header: ["NAME", "SERVES", "PARAMETERS", "FOR", "LICENCE"],
    rows: models.map(({ name, serves, parameters, memory, license, also }) => ({
      cells: [name, serves, parameters ?? "-", memory ?? "-", license?.name ?? "see its page"],
      value: { name, serves, parameters, memory, license: license?.name ?? null, also },
    })),
    empty: "The list of known models is empty.",
    notes: ["FOR: the memory of a machine that runs it well in the usual variant. hearth pull NAME, or NAME:VARIANT."],
  };
}
