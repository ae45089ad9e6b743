// Pulls a model from the hub into the shared cache.
//
// 1. The revision is resolved to a commit first: everything after speaks of that, whatever happens to the branch meanwhile.
// 2. The files of the commit are listed, and those of the model chosen.
// 3. The record is written: what was there before is others', what is fetched from now on is ours.
// 4. Room on the disk is checked; small files and graphs are fetched, several at once.
// 5. Graphs tell in which further files their weights lie; these and the large files follow, one after the other, each by several ranges.
// 6. The reference is written last, so that a reader who follows it finds everything.
import { forEachAtOnce } from "../../util/for-each-at-once.ts";
import { formatBytes } from "../../util/format-bytes.ts";
import { RepositoryCache } from "../cache/repository-cache.ts";
import { assertSafePath, type RepositoryFile } from "../cache/repository-files.ts";
import { chooseModel } from "../choose/choose-model.ts";
import { externalWeights, missingWeights } from "../choose/external-weights.ts";
import type { ModelChoice } from "../choose/model-choice.ts";
import { HubClient } from "../client/hub-client.ts";
import { HubFailure } from "../failures.ts";
import { fetchFile } from "../fetch/fetch-file.ts";
import { withFileLock } from "../fetch/file-lock.ts";
import { countKeptBytes } from "../fetch/partial-file.ts";
import { formatReference, type HubReference } from "../model-reference.ts";
import type { StoredFile, StoredModel } from "../store/model-store.ts";
import { assertRoom } from "./disk.ts";
import type { PullContext, PullTarget } from "./pull-context.ts";

/** The hub does not give larger files to plain HTTP (its documentation, "Xet: backward compatibility"). */
const largestFileBytes = 50e9;

interface HubPull {
  readonly reference: HubReference;
  readonly target: PullTarget;
  readonly context: PullContext;
  readonly client: HubClient;
  readonly cache: RepositoryCache;
  readonly commit: string;
}

/** @throws HubFailure */
export async function pullFromHub(
  reference: HubReference,
  { target, context }: { readonly target: PullTarget; readonly context: PullContext },
): Promise<StoredModel> {
  const { hub, http, tools, listener, meter } = context;
  const { repository } = reference;
  const revision = reference.revision ?? "main";
  assertSafePath(revision);
  const client = new HubClient({
    environment: hub,
    http,
    tools,
    onRetry: ({ message }, delayMs) => listener({ type: "retry", file: repository, message, delayMs }),
  });
  const { commit, license } = await client.describe({ repository, revision }); // 1.
  listener({ type: "resolved", source: formatReference(reference), commit, license });
  const listed = await client.list({ repository, commit }); // 2.
  const choice = chooseModel(listed, { ...reference, repository });
  const cache = new RepositoryCache({ cacheDirectory: hub.cacheDirectory, repository, useSymlinks: hub.useSymlinks });
  const pull: HubPull = { reference, target, context, client, cache, commit };
  const record = beginRecord(pull, { choice, license });
  const chosen = choice.files.map((path) => findListed(listed, path));
  const graphs = chosen.filter(({ path }) => choice.graphs.includes(path));
  // A graph that cannot name other files, as it is too large for that, is fetched like any other.
  const early = chosen.filter((file) => graphs.includes(file) || !isLarge(file, context));
  let files = await planFiles(pull, { record, files: chosen }); // 3.
  await assertPlan(pull, chosen); // 4.
  await fetchAll(pull, early);
  const further = graphs.flatMap((graph) => weightsOf(graph, { pull, listed })); // 5.
  const late = [...new Set([...chosen.filter((file) => !early.includes(file)), ...further])];
  if (further.length > 0) {
    files = await planFiles(pull, { record: { ...record, files }, files: further });
    await assertPlan(pull, late);
  }
  await fetchAll(pull, late);
  meter.finish();
  await cache.writeReference(revision, commit); // 6.
  const complete = { ...record, files, isComplete: true };
  context.store.write(complete);
  return complete;
}

function findListed(listed: readonly RepositoryFile[], path: string): RepositoryFile {
  const file = listed.find((candidate) => candidate.path === path);
  if (file === undefined) throw new Error(`A file was chosen that is not listed: ${path}`);
  return file;
}

function beginRecord(
  { reference, target, cache, commit, context }: HubPull,
  { choice, license }: { readonly choice: ModelChoice; readonly license: StoredModel["license"] },
): StoredModel {
  const { modelPath } = choice;
  return {
    name: target.name,
    reference: target.reference,
    source: formatReference(reference),
    kind: target.kind ?? choice.kind,
    path: modelPath === "" ? cache.snapshotFolder(commit) : cache.filePath(commit, modelPath),
    options: { ...target.options, ...choice.options },
    commit,
    license,
    isComplete: false,
    files: [],
    pulledAt: context.startedAt,
  };
}

/** Writes the record with these files added, and tells what is there. Resolves with all files of the record. */
async function planFiles(
  { cache, commit, context }: HubPull,
  { record, files }: { readonly record: StoredModel; readonly files: readonly RepositoryFile[] },
): Promise<StoredFile[]> {
  for (const { path } of files) assertSafePath(path);
  await cache.prepare();
  const planned: StoredFile[] = [];
  let present = 0;
  for (const file of files) {
    const isThere = await cache.has(commit, file);
    const path = cache.filePath(commit, file.path);
    const content = context.hub.useSymlinks ? cache.blobPath(file.tag) : path;
    const isOurs = !isThere || context.store.isOurs(content);
    planned.push({ path, content, bytes: file.bytes, isOurs });
    if (isThere) present += file.bytes;
  }
  const all = [...record.files, ...planned];
  context.store.write({ ...record, files: all });
  context.meter.plan({ files: files.length, bytes: sumBytes(files), present });
  return all;
}

/** @throws HubFailure `too-large` or `disk-full` */
async function assertPlan(
  { cache, commit, context, reference }: HubPull,
  files: readonly RepositoryFile[],
): Promise<void> {
  let missing = 0;
  for (const file of files) {
    if (await cache.has(commit, file)) continue;
    if (file.bytes > largestFileBytes) {
      throw new HubFailure("too-large", {
        message: `${file.path} has ${formatBytes(file.bytes)}, and the hub gives files above 50 GB only to its own client.`,
        remedy: `Choose a smaller variant, or one in parts; or run: hf download ${reference.repository} ${file.path}`,
      });
    }
    const kept = await countKeptBytes(cache.partialPath(file.tag), { tag: file.tag, bytes: file.bytes });
    missing += file.bytes - kept;
  }
  await assertRoom(context.hub.cacheDirectory, missing);
}

async function fetchAll(pull: HubPull, files: readonly RepositoryFile[]): Promise<void> {
  const { connections, signal } = pull.context.tools;
  const small = files.filter((file) => !isLarge(file, pull.context));
  const large = files.filter((file) => isLarge(file, pull.context));
  await forEachAtOnce(small, { limit: connections, signal }, (file) => fetchOne(pull, file));
  for (const file of large) await fetchOne(pull, file);
}

/** Completes one file and puts it in place. Another process that fetches the same content is waited for. */
async function fetchOne(pull: HubPull, file: RepositoryFile): Promise<void> {
  const { cache, commit, context } = pull;
  const { tools, listener } = context;
  if (await cache.has(commit, file)) {
    await cache.link(commit, file);
    return;
  }
  const onWait = (processId: number): void => listener({ type: "waiting", file: file.path, processId });
  await withFileLock(cache.lockPath(file.tag), { ...tools, onWait }, async () => {
    if (await cache.has(commit, file)) context.meter.keep(file.bytes);
    else {
      await fetchContent(pull, file);
      await cache.addBlob(file);
    }
    await cache.link(commit, file);
  });
  listener({ type: "file", file: file.path, bytes: file.bytes });
}

async function fetchContent(
  { cache, commit, context, client, reference }: HubPull,
  file: RepositoryFile,
): Promise<void> {
  const { repository } = reference;
  const { tools, listener, meter, journal } = context;
  const source = {
    name: file.path,
    bytes: file.bytes,
    locate: (signal: AbortSignal) => client.locate(file, { repository, commit, signal }),
    explain: (response: Parameters<typeof client.explain>[0], url: string) =>
      client.explain(response, { repository, commit, file: file.path, url }),
  };
  await fetchFile(source, {
    partialPath: cache.partialPath(file.tag),
    tag: file.tag,
    digest: file.digest,
    journal,
    tools: {
      ...tools,
      onBytes: (count) => meter.add(count),
      onRetry: ({ message }, delayMs) => listener({ type: "retry", file: file.path, message, delayMs }),
    },
    onKept: (bytes) => meter.keep(bytes),
    onRestart: () =>
      listener({ type: "note", message: `${file.path} arrived with wrong content and is fetched once more.` }),
  });
}

/** The files in which a graph keeps its weights, by the names that stand in the graph. */
function weightsOf(
  graph: RepositoryFile,
  { pull, listed }: { readonly pull: HubPull; readonly listed: readonly RepositoryFile[] },
): RepositoryFile[] {
  const { repository } = pull.reference;
  return externalWeights(pull.cache.snapshotFolder(pull.commit), graph.path).map((path) => {
    const file = listed.find((candidate) => candidate.path === path);
    if (file !== undefined) return file;
    throw missingWeights(graph.path, { path, repository });
  });
}

/** A file of one piece comes whole, and several such files at once; a larger one gets all connections. */
function isLarge({ bytes }: RepositoryFile, { tools }: PullContext): boolean {
  return bytes > tools.pieceBytes;
}

function sumBytes(files: readonly RepositoryFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
