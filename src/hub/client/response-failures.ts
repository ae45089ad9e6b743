// Turns the hub's answers other than success into failures with a message and a remedy each. (Codes and texts: the source of
// huggingface_hub, `utils/_http.py`, and the hub's documentation of gated models and rate limits.)
import { HubFailure } from "../failures.ts";
import type { HttpResponse } from "../http/http-client.ts";

export interface AnswerContext {
  /** Base address of the hub. */
  readonly endpoint: string;
  /** The host that answered, where it was another than the endpoint's. */
  readonly host?: string;
  readonly repository: string;
  readonly revision: string;
  /** Path inside the repository, where the question was about one file. */
  readonly file: string | null;
  readonly hasToken: boolean;
}

/** The failure behind a status of 400 or more. Reads the body. */
export async function toAnswerFailure(response: HttpResponse, context: AnswerContext): Promise<HubFailure> {
  const code = response.header("x-error-code") ?? "";
  const said = response.header("x-error-message") ?? messageIn(await response.text().catch(() => ""));
  const { status } = response;
  if (code === "GatedRepo") return gated(context, { status, said });
  if (code === "RevisionNotFound") return missingRevision(context);
  if (code === "EntryNotFound") return missingFile(context);
  if (status === 429) return rateLimited(response, context);
  if (status >= 500) {
    const message = `${hostOf(context)} has a problem of its own (HTTP ${status}${quoted(said)}).`;
    const retryAfterSeconds = secondsToWait(response);
    return new HubFailure("server-error", {
      message,
      remedy: "Try again later: what has been fetched is kept.",
      ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
    });
  }
  if (status === 401 && context.hasToken && /credential|token|password/i.test(said) && code !== "RepoNotFound") {
    return new HubFailure("token-rejected", {
      message: `${hostOf(context)} does not accept the token (HTTP 401${quoted(said)}).`,
      remedy: `Make a new one at ${context.endpoint}/settings/tokens and set HF_TOKEN, or unset it for public models.`,
    });
  }
  if (status === 401 || code === "RepoNotFound") return missingOrPrivate(context);
  if (/disabled/i.test(said)) {
    return new HubFailure("disabled", {
      message: `The repository ${context.repository} has been disabled by the hub${quoted(said)}.`,
      remedy: "Choose another repository of the same model.",
    });
  }
  if (status === 404) return context.file === null ? missingOrPrivate(context) : missingFile(context);
  return new HubFailure("forbidden", {
    message: `${hostOf(context)} refuses ${context.repository} (HTTP ${status}${quoted(said)}).`,
    remedy: context.hasToken
      ? "Check what the token in HF_TOKEN may read: a fine-grained one names repositories."
      : `If you may read it, set HF_TOKEN to a token from ${context.endpoint}/settings/tokens.`,
  });
}

/** Seconds that the server asks for, by `Retry-After` (seconds or a date) or by `RateLimit: ...;t=55`; `null` = it asks for none. */
export function secondsToWait(response: Pick<HttpResponse, "header">): number | null {
  const after = response.header("retry-after");
  if (after !== null) {
    const seconds = /^\d+$/.test(after.trim()) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
    if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds));
  }
  const reset = /;\s*t=(\d+)/.exec(response.header("ratelimit") ?? "");
  return reset === null ? null : Number(reset[1]);
}

/**
 * A gated repository. With 401 nobody is logged in; with 403 the token is fine, and its owner has not accepted the terms, or waits for
 * the authors' answer.
 */
function gated(
  context: AnswerContext,
  { status, said }: { readonly status: number; readonly said: string },
): HubFailure {
  const page = `${context.endpoint}/${context.repository}`;
  const waits = /awaiting|pending|review/i.test(said) && status === 403;
  const rejected = /rejected/i.test(said);
  const token = `set HF_TOKEN to a token from ${context.endpoint}/settings/tokens`;
  return new HubFailure("gated", {
    message: rejected
      ? `The authors of ${context.repository} have rejected your request for access.`
      : waits
        ? `Your request for access to ${context.repository} has not been answered yet.`
        : `${context.repository} is gated: its authors ask everybody to accept their terms first.`,
    remedy: rejected
      ? "Choose another model."
      : waits
        ? `See its state at ${page}.`
        : context.hasToken
          ? `Accept them at ${page} with the account that the token in HF_TOKEN belongs to, then pull again.`
          : `Accept them at ${page}, ${token}, then pull again.`,
  });
}

function missingOrPrivate(context: AnswerContext): HubFailure {
  return new HubFailure("missing-or-private", {
    message: context.hasToken
      ? `There is no repository ${context.repository} that your token may see: it does not exist, or it is private or gated.`
      : `There is no public repository ${context.repository}: it does not exist, or it is private or gated. The hub does not say which.`,
    remedy: context.hasToken
      ? `Check the spelling at ${context.endpoint}/${context.repository}, and what the token in HF_TOKEN may read.`
      : `Check the spelling at ${context.endpoint}/${context.repository}; for a private one, set HF_TOKEN to a token from ` +
        `${context.endpoint}/settings/tokens.`,
  });
}

function missingRevision({ repository, revision, endpoint }: AnswerContext): HubFailure {
  return new HubFailure("missing-revision", {
    message: `${repository} has no branch, tag or commit ${revision}.`,
    remedy: `Its branches and tags are at ${endpoint}/${repository}/tree/main; leave @${revision} out for main.`,
  });
}

function missingFile({ repository, revision, file, endpoint }: AnswerContext): HubFailure {
  return new HubFailure("missing-file", {
    message: `${repository} has no file ${file ?? "of that name"} at ${revision}.`,
    remedy: `Its files are at ${endpoint}/${repository}/tree/${encodeURIComponent(revision)}.`,
  });
}

function rateLimited(response: HttpResponse, context: AnswerContext): HubFailure {
  const seconds = secondsToWait(response);
  return new HubFailure("rate-limited", {
    message: `${hostOf(context)} takes no more requests for now (HTTP 429)${seconds === null ? "" : `, again in ${seconds} s`}.`,
    remedy: context.hasToken
      ? "Wait, then pull again: what has been fetched is kept."
      : "Wait, then pull again: what has been fetched is kept. With a token (HF_TOKEN) the limit is higher.",
    ...(seconds === null ? {} : { retryAfterSeconds: seconds }),
  });
}

function hostOf({ endpoint, host }: AnswerContext): string {
  return host ?? new URL(endpoint).host;
}

/** `{"error": "..."}`, as the hub's API answers; a page of HTML says nothing. */
function messageIn(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    const error = (value as { readonly error?: unknown } | null)?.error;
    return typeof error === "string" ? error : "";
  } catch {
    return /^[^<]{1,200}$/.test(text.trim()) ? text.trim() : "";
  }
}

function quoted(said: string): string {
  return said === "" ? "" : `: ${said.replace(/[\s.]+$/, "").slice(0, 200)}`;
}
