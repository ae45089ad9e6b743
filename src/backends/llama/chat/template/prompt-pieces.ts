// Splits a rendered prompt into pieces that may hold control tokens and pieces in which callers' text must not become one, and
// tokenises the pieces.
import type { OutputRun } from "../../../../jinja/template.ts";
import { alternatives } from "./caller-text.ts";
import type { ControlToken, PromptPiece, PromptTokenizer } from "../types.ts";

/**
 * Cuts a rendered prompt at the control tokens that the template wrote. A stretch between them in which callers' characters, alone or
 * together with the template's, spell a control text is `plain`; all other text stays in one `special` piece, so that a prompt in which
 * no caller spells a control token is tokenised in one call, exactly as the template's author meant.
 */
export function splitPrompt(runs: readonly OutputRun[], controlTexts: readonly string[]): PromptPiece[] {
  const pieces: PromptPiece[] = [];
  let stretch = "";
  const append = (kind: PromptPiece["kind"], text: string, cuts: readonly number[] = []): void => {
    if (text === "") return;
    const last = pieces.at(-1);
    if (last?.kind === "special" && kind === "special") {
      pieces[pieces.length - 1] = { kind, text: last.text + text, cuts: [] };
    } else pieces.push({ kind, text, cuts });
  };
  const endStretch = (): void => {
    const spelt = findControlTexts(stretch, controlTexts);
    if (spelt.length === 0) append("special", stretch);
    else append("plain", stretch, cutsInside(spelt, stretch));
    stretch = "";
  };
  for (const { text, origin } of runs) {
    if (origin === "caller") {
      stretch += text;
      continue;
    }
    let last = 0;
    for (const found of findControlTexts(text, controlTexts)) {
      stretch += text.slice(last, found.index);
      endStretch();
      append("special", found.text);
      last = found.index + found.text.length;
    }
    stretch += text.slice(last);
  }
  endStretch();
  return pieces;
}

/** Behind the first character of each control text, so that no call of the tokenizer sees it whole. */
function cutsInside(spelt: readonly { index: number; text: string }[], stretch: string): number[] {
  const cuts = spelt.map(({ index }) => index + String.fromCodePoint(stretch.codePointAt(index) ?? 0).length);
  return cuts.filter((cut) => cut < stretch.length);
}

/** Control texts in order of appearance, the longest at each place. */
export function findControlTexts(rendered: string, controlTexts: readonly string[]): { index: number; text: string }[] {
  const texts = controlTexts.filter((text) => text.trim() !== "");
  if (texts.length === 0) return [];
  return [...rendered.matchAll(controlPattern(controlTexts, texts))].map((match) => ({
    index: match.index,
    text: match[0],
  }));
}

/**
 * The token ids of a rendered prompt. Callers' text never yields the id of a control token. BOS comes first, and once, where the
 * tokenizer adds it, whether or not the template wrote it.
 * @throws what the tokenizer throws
 */
export async function tokenizePrompt(pieces: readonly PromptPiece[], tokenizer: PromptTokenizer): Promise<number[]> {
  const ids: number[] = [];
  const controlIds = new Set(tokenizer.controlTokens.map((token) => token.id));
  for (const [index, piece] of pieces.entries()) {
    const used = ids.length;
    if (piece.kind === "special") {
      appendAll(ids, await tokenizer.tokenize(piece.text, { parseSpecial: true, used }));
      continue;
    }
    const text = stripAtNeighbours(piece, {
      before: pieces[index - 1],
      after: pieces[index + 1],
      tokens: tokenizer.controlTokens,
    });
    const plain = await tokenizer.tokenize(text.text, { parseSpecial: false, used });
    if (plain.some((id) => controlIds.has(id))) appendAll(ids, await tokenizeCut(text, { tokenizer, used }));
    else appendAll(ids, plain);
  }
  if (tokenizer.addBos && tokenizer.bosId !== undefined && ids[0] !== tokenizer.bosId) ids.unshift(tokenizer.bosId);
  return ids;
}

/** Tokenises between the cuts in separate calls: some tokenizers find user-defined tokens in any text that spells one whole. */
async function tokenizeCut(
  { text, cuts }: { text: string; cuts: readonly number[] },
  { tokenizer, used }: { tokenizer: PromptTokenizer; used: number },
): Promise<number[]> {
  const ids: number[] = [];
  let last = 0;
  for (const cut of [...cuts, text.length]) {
    const part = text.slice(last, cut);
    const place = { tokenizer, used: used + ids.length };
    if (part !== "") appendAll(ids, await (last === 0 ? tokenizePlain(part, place) : continueTokens(part, place)));
    last = cut;
  }
  return ids;
}

interface Place {
  readonly tokenizer: PromptTokenizer;
  /** Tokens of the prompt so far. */
  readonly used: number;
}

async function tokenizePlain(text: string, { tokenizer, used }: Place): Promise<readonly number[]> {
  return tokenizer.tokenize(text, { parseSpecial: false, used });
}

/**
 * Tokens of text that continues other text. SentencePiece vocabularies put a space before whatever a call begins with; a line
 * break in front, whose tokens are taken off again, keeps that space away.
 */
async function continueTokens(text: string, place: Place): Promise<readonly number[]> {
  const lead = await tokenizePlain("\n", place);
  const whole = await tokenizePlain(`\n${text}`, place);
  return lead.every((id, index) => whole[index] === id) ? whole.slice(lead.length) : tokenizePlain(text, place);
}

/** Strips white space beside control tokens as the tokenizer would if they were in the same call. */
function stripAtNeighbours(
  piece: PromptPiece,
  {
    before,
    after,
    tokens,
  }: { before: PromptPiece | undefined; after: PromptPiece | undefined; tokens: readonly ControlToken[] },
): { text: string; cuts: readonly number[] } {
  let { text, cuts } = piece;
  if (after !== undefined && tokens.some((token) => token.stripsLeft === true && after.text.startsWith(token.text))) {
    text = text.trimEnd();
  }
  if (before !== undefined && tokens.some((token) => token.stripsRight === true && before.text.endsWith(token.text))) {
    const stripped = text.trimStart();
    const removed = text.length - stripped.length;
    text = stripped;
    cuts = cuts.map((cut) => cut - removed);
  }
  return { text, cuts: cuts.filter((cut) => cut > 0 && cut < text.length) };
}

const patterns = new WeakMap<readonly string[], RegExp>();

function controlPattern(key: readonly string[], texts: readonly string[]): RegExp {
  let pattern = patterns.get(key);
  if (pattern === undefined) {
    pattern = new RegExp(alternatives(texts), "g");
    patterns.set(key, pattern);
  }
  return pattern;
}

/** `push(...ids)` overflows the stack on a long prompt. */
function appendAll(target: number[], ids: readonly number[]): void {
  for (const id of ids) target.push(id);
}
