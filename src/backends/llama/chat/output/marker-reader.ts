// Reads text in which markers begin reasoning and calls: the parser of all families that are described by data alone.
import type { ToolCallShape } from "../tool-call-shape.ts";
import type { CallSyntax, ChatFamily, OutputParserOptions, ReasoningMarkers } from "../types.ts";
import type { EventSink } from "./call-sink.ts";
import { readJsonCalls } from "./json-calls.ts";
import { readNamedCalls } from "./named-calls.ts";
import { readPythonCalls } from "./python-calls.ts";
import { matchOne, readUntil, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";
import { readXmlCalls } from "./xml-calls.ts";

/** What a reader shows of its progress. */
export interface ReaderState {
  inReasoning: boolean;
}

/** A text that may begin a call, and the syntaxes of the calls that may follow it. */
interface Opening {
  readonly text: string;
  /** Nothing but a call begins like this. */
  readonly isMarker: boolean;
  /** `opened`: the marker is the beginning of the call itself, not a text before it. */
  readonly syntaxes: readonly { readonly syntax: CallSyntax; readonly opened: boolean }[];
}

/** Reads a whole answer. */
export function* readMarkers(
  input: StreamInput,
  {
    sink,
    options,
    state,
  }: { readonly sink: EventSink; readonly options: OutputParserOptions; readonly state: ReaderState },
): Reader<void> {
  const { family } = options;
  const hasTools = options.tools.length > 0;
  const openings = hasTools ? findOpenings(family, "anywhere") : [];
  const startOpenings = hasTools ? findOpenings(family, "at-start") : [];
  const calls = family.callsEndReasoning === true ? openings.map(({ text }) => text) : [];
  if (options.startsInReasoning)
    yield* readReasoning(input, { sink, state, closes: family.reasoning.map(({ close }) => close), calls });
  // White space behind reasoning and calls belongs to the markup: text after them begins with its first visible character.
  let fresh = options.startsInReasoning;
  for (let atStart = true; ;) {
    if (atStart) {
      const opened = yield* readStart(input, { sink, family, openings: startOpenings, state, calls });
      if (opened === "reasoning") {
        fresh = true;
        continue;
      }
      if (opened === "call") fresh = true;
    }
    if (sink.full) return;
    const marked = [...openings.map((opening) => opening.text), ...family.dropped];
    if (fresh) yield* skipSpace(input);
    let wrote = false;
    // A text that follows a grammar is the last part of an answer: what looks like markup in it was written by the grammar's leave.
    const isLast = options.finalTextOnly === true && (yield* matchOne(input, marked)) === null;
    const { marker, space } = yield* readUntil(input, isLast ? [] : marked, {
      holdSpace: !isLast,
      release: true,
      emit: (text) => {
        wrote = true;
        sink.text(text);
      },
    });
    if (marker === null) return;
    if (wrote) atStart = false;
    const opening = openings.find((candidate) => candidate.text === marker);
    if (opening === undefined) {
      // Dropped markup, such as the header of a response, does not end the start of the answer.
      input.take(marker.length);
      fresh = fresh || !wrote;
      continue;
    }
    if (yield* tryCall(input, sink, opening)) {
      atStart = false;
      fresh = true;
      continue;
    }
    sink.text(space + input.take(marker.length));
    atStart = false;
    fresh = false;
  }
}

/** Reads what may only come first: reasoning, and calls without a marker of their own. */
function* readStart(
  input: StreamInput,
  {
    sink,
    family,
    openings,
    state,
    calls,
  }: {
    readonly sink: EventSink;
    readonly family: ChatFamily;
    readonly openings: readonly Opening[];
    readonly state: ReaderState;
    /** Texts that end reasoning because they begin a call. */
    readonly calls: readonly string[];
  },
): Reader<"reasoning" | "call" | "none"> {
  const start = input.position;
  yield* skipSpace(input);
  const reasoning = yield* findReasoning(input, family.reasoning);
  if (reasoning !== undefined) {
    input.take(reasoning.open.length);
    yield* readReasoning(input, { sink, state, closes: [reasoning.close], calls });
    return "reasoning";
  }
  const place = input.position;
  const text = yield* matchOne(
    input,
    openings.map((opening) => opening.text),
  );
  const candidates = openings.filter((opening) => opening.text === text || opening.text === "");
  for (const opening of candidates) {
    input.seek(place);
    if (yield* tryCall(input, sink, opening)) return "call";
  }
  input.seek(start);
  return "none";
}

function* findReasoning(
  input: StreamInput,
  reasoning: readonly ReasoningMarkers[],
): Reader<ReasoningMarkers | undefined> {
  const open = yield* matchOne(
    input,
    reasoning.map((markers) => markers.open),
  );
  return reasoning.find((markers) => markers.open === open);
}

function* readReasoning(
  input: StreamInput,
  {
    sink,
    state,
    closes,
    calls,
  }: {
    readonly sink: EventSink;
    readonly state: ReaderState;
    readonly closes: readonly string[];
    readonly calls: readonly string[];
  },
): Reader<void> {
  state.inReasoning = true;
  yield* skipSpace(input);
  const { marker } = yield* readUntil(input, [...closes, ...calls], {
    holdSpace: true,
    release: true,
    emit: (text) => sink.reasoning(text),
  });
  if (marker !== null && closes.includes(marker)) input.take(marker.length);
  state.inReasoning = false;
}

/**
 * Reads the calls behind an opening. False, and nothing consumed, when what follows is none. Where the text is cut off, all the
 * rest belongs to the call that had begun.
 */
function* tryCall(input: StreamInput, sink: EventSink, opening: Opening): Reader<boolean> {
  const place = input.position;
  let isCut = false;
  for (const { syntax, opened } of opening.syntaxes) {
    input.seek(place);
    input.take(opening.text.length);
    input.watch();
    const found = yield* readCalls(input, sink, { syntax, opened });
    isCut ||= input.isCut;
    if (!found) continue;
    if (isCut) input.take(input.rest.length);
    return true;
  }
  input.seek(place);
  if (!isCut || !(opening.isMarker || sink.nameBegun)) return false;
  input.take(input.rest.length);
  return true;
}

function readCalls(
  input: StreamInput,
  sink: EventSink,
  { syntax: { shape }, opened }: { readonly syntax: CallSyntax; readonly opened: boolean },
): Reader<boolean> {
  switch (shape.kind) {
    case "json":
      return readJsonCalls(input, sink, shape);
    case "named-json":
      return readNamedCalls(input, sink, { shape, opened });
    case "xml-parameters":
      return readXmlCalls(input, sink, { shape, opened });
    case "pythonic":
      return readPythonCalls(input, sink, shape);
  }
}

/** What a call begins with where nothing stands around it. */
function firstMarker(shape: ToolCallShape): string {
  if (shape.kind === "named-json") return shape.beforeEach;
  return shape.kind === "xml-parameters" ? shape.tags.beforeName : "";
}

/** The openings of a family's calls, without white space at their ends: models do not always write it. */
function findOpenings(family: ChatFamily, where: CallSyntax["where"]): Opening[] {
  const openings = new Map<string, { syntax: CallSyntax; opened: boolean }[]>();
  for (const syntax of family.calls.filter((candidate) => candidate.where === where)) {
    const { shape } = syntax;
    const own = shape.open === "" ? firstMarker(shape) : shape.open;
    for (const text of [own, ...(syntax.otherOpens ?? [])]) {
      const known = openings.get(text.trimEnd()) ?? [];
      known.push({ syntax, opened: text !== "" && text === firstMarker(shape) });
      openings.set(text.trimEnd(), known);
    }
  }
  return [...openings].map(([text, syntaxes]) => ({
    text,
    isMarker: text !== "" && !text.startsWith("```"),
    syntaxes,
  }));
}
