// Pulls one GGUF file from an address into the store.
import { createHash } from "node:crypto";
import { mkdir, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { HubFailure } from "../failures.ts";
import type { HttpResponse } from "../http/http-client.ts";
import { fetchFile } from "../fetch/fetch-file.ts";
import { withFileLock } from "../fetch/file-lock.ts";
import { countKeptBytes, removeJournal } from "../fetch/partial-file.ts";
import type { ContentAddress } from "../fetch/transfer.ts";
import { formatReference, type UrlReference } from "../model-reference.ts";
import type { StoredModel } from "../store/model-store.ts";
import { assertRoom } from "./disk.ts";
import type { PullContext, PullTarget } from "./pull-context.ts";

const mostRedirects = 10;

/** @throws HubFailure */
export async function pullFromUrl(
  reference: UrlReference,
  { target, context }: { readonly target: PullTarget; readonly context: PullContext },
): Promise<StoredModel> {
  const { store, listener, meter, tools, journal } = context;
  const file = decodeURIComponent(basename(new URL(reference.url).pathname));
  if (!/^[^/\\]+\.gguf$/i.test(file)) {
    throw new HubFailure("unsupported", {
      message: `${reference.url} is not the address of a .gguf file.`,
      remedy: "Of other kinds of models several files are needed: name their repository, hf:ORG/REPO.",
    });
  }
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(file)) {
    throw new HubFailure("unsupported", {
      message: `${file} is one part of several.`,
      remedy: "Name the repository and the variant, hf:ORG/REPO:VARIANT: all parts are fetched then.",
    });
  }
  const head = await probe(reference.url, context);
  listener({ type: "resolved", source: formatReference(reference), commit: null, license: null });
  const partialPath = join(store.incompleteFolder, `${hashOf(reference.url)}.hearth-part`);
  const tag = reference.sha256 ?? head.tag;
  const path = join(store.filesFolder(target.name), file);
  const bytes = head.bytes ?? 0;
  const record: StoredModel = {
    name: target.name,
    reference: target.reference,
    source: formatReference(reference),
    kind: "text",
    path,
    options: target.options,
    commit: null,
    license: null,
    isComplete: false,
    files: [{ path, content: path, bytes, isOurs: true }],
    pulledAt: context.startedAt,
  };
  store.write(record);
  meter.plan({ files: 1, bytes, present: 0 });
  const kept = await countKeptBytes(partialPath, { tag, bytes: head.bytes });
  await assertRoom(store.incompleteFolder, bytes - kept);
  const onWait = (processId: number): void => listener({ type: "waiting", file, processId });
  const fetched = await withFileLock(`${partialPath}.lock`, { ...tools, onWait }, async () => {
    const source = {
      name: file,
      bytes: head.bytes,
      locate: (): Promise<ContentAddress> => findAddress(reference.url, context),
      explain: (response: HttpResponse) => Promise.resolve(toFailure(response, reference.url)),
    };
    const result = await fetchFile(source, {
      partialPath,
      tag,
      digest: reference.sha256 === null ? null : { algorithm: "sha256", hex: reference.sha256 },
      journal,
      tools: {
        ...tools,
        onBytes: (count) => meter.add(count),
        onRetry: ({ message }, delayMs) => listener({ type: "retry", file, message, delayMs }),
      },
      onKept: (count) => meter.keep(count),
      onRestart: () =>
        listener({ type: "note", message: `${file} arrived with wrong content and is fetched once more.` }),
    });
    await removeJournal(partialPath);
    await mkdir(store.filesFolder(target.name), { recursive: true });
    await rename(partialPath, path);
    return result;
  });
  meter.finish();
  listener({ type: "file", file, bytes: fetched.bytes });
  if (reference.sha256 === null) {
    listener({ type: "note", message: `No digest was given to check it by. It has #sha256=${fetched.digest.hex}` });
  }
  const complete = {
    ...record,
    isComplete: true,
    files: [{ path, content: path, bytes: fetched.bytes, isOurs: true }],
  };
  store.write(complete);
  return complete;
}

interface Probe {
  readonly bytes: number | null;
  /** A strong entity tag, else the date of the content with its length; `null` where there is neither. */
  readonly tag: string | null;
}

async function probe(url: string, context: PullContext): Promise<Probe> {
  const { response } = await follow(url, context);
  const length = response.header("content-length");
  const isPlain = response.header("content-encoding") === null;
  const bytes = isPlain && length !== null && /^\d+$/.test(length) ? Number(length) : null;
  const etag = response.header("etag");
  const modified = response.header("last-modified");
  const isStrong = etag !== null && !etag.startsWith("W/");
  return { bytes, tag: isStrong ? etag : modified === null || bytes === null ? null : `${modified} ${bytes}` };
}

async function findAddress(url: string, context: PullContext): Promise<ContentAddress> {
  return { url: (await follow(url, context)).url };
}

/** Follows redirects by hand, as a signed address at their end expires and is then looked for anew. */
async function follow(
  first: string,
  { http, tools }: PullContext,
): Promise<{ readonly url: string; readonly response: HttpResponse }> {
  let url = first;
  // Addresses that are signed for GET refuse HEAD.
  let method: "HEAD" | "GET" = "HEAD";
  for (let hops = 0; hops <= mostRedirects; hops += 1) {
    const response = await http.send({ url, method, signal: tools.signal });
    await response.discard();
    const location = response.header("location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      url = new URL(location, url).href;
      continue;
    }
    if (response.status < 300) return { url, response };
    if (method === "GET") throw toFailure(response, url);
    method = "GET";
  }
  throw new HubFailure("protocol", { message: `${first} leads in circles.` });
}

function toFailure({ status }: HttpResponse, url: string): HubFailure {
  const { host } = new URL(url);
  if (status >= 500)
    return new HubFailure("server-error", { message: `${host} has a problem of its own (HTTP ${status}).` });
  if (status === 429)
    return new HubFailure("rate-limited", { message: `${host} takes no more requests for now (HTTP 429).` });
  if (status === 404 || status === 410) {
    return new HubFailure("missing-file", {
      message: `${host} has no such file (HTTP ${status}).`,
      remedy: "Check the address.",
    });
  }
  return new HubFailure("forbidden", {
    message: `${host} refuses the file (HTTP ${status}).`,
    remedy: "Fetch it by other means and give its path.",
  });
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
