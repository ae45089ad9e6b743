// A process that pulls, to be killed or to compete with another: `pull-child.ts REFERENCE STORE`. Its pieces are small, so that a small file
// has many. It prints the events as JSON, a line each, and ends with 1 when the pull fails.
import { loadKnownModels } from "../../../src/hub/known-models/known-models.ts";
import { pullModel } from "../../../src/hub/pull/pull-model.ts";
import { ModelStore } from "../../../src/hub/store/model-store.ts";

const [, , reference = "", store = ""] = process.argv;
try {
  await pullModel(reference, {
    environment: process.env,
    store: new ModelStore(store),
    knownModels: loadKnownModels(null, process.env),
    listener: (event) => console.log(JSON.stringify(event)),
    signal: new AbortController().signal,
    timing: { pieceBytes: 256 * 1024, journalEveryBytes: 64 * 1024 },
  });
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
