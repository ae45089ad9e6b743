// The special tokens around a text and a pair, as the post-processor of a tokenizer.json sets them.
import { isRecord } from "../../../../util/is-record.ts";
import { unsupportedPart, type TokenizerPart } from "./part.ts";

/** The special tokens around one text. */
export interface SingleTemplate {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** The special tokens around a pair, with the segment that `token_type_ids` gives to each part. */
export interface PairTemplate {
  readonly before: readonly number[];
  readonly between: readonly number[];
  readonly after: readonly number[];
  /** Segment of the second text and of what follows it; the first text is segment 0. */
  readonly secondSegment: number;
}

export interface Frame {
  readonly single: SingleTemplate;
  readonly pair: PairTemplate;
}

/** `idOf`: id of a token by its content. @throws ServerError `model_load_failed` for a post-processor that is not known, by its name */
export function readFrame(
  part: TokenizerPart | null | undefined,
  idOf: (content: string) => number | undefined,
): Frame {
  if (part === null || part === undefined) return noFrame;
  switch (part.type) {
    case "TemplateProcessing":
      return readTemplates(part, idOf);
    case "BertProcessing":
      return readProcessing(part, { betweenTwice: false, secondSegment: 1 });
    case "RobertaProcessing":
      return readProcessing(part, { betweenTwice: true, secondSegment: 0 });
    case "ByteLevel":
      return noFrame;
    case "Sequence": {
      const steps = Array.isArray(part["processors"]) ? (part["processors"] as TokenizerPart[]) : [];
      const framing = steps.filter((step) => step.type !== "ByteLevel");
      if (framing.length > 1) throw unsupportedPart("post-processor", part);
      return readFrame(framing[0], idOf);
    }
    default:
      throw unsupportedPart("post-processor", part);
  }
}

const noFrame: Frame = {
  single: { before: [], after: [] },
  pair: { before: [], between: [], after: [], secondSegment: 0 },
};

interface TemplateItem {
  /** Ids of a special token, or the text that stands here. */
  readonly content: readonly number[] | "A" | "B";
  readonly segment: number;
}

function readTemplates(part: TokenizerPart, idOf: (content: string) => number | undefined): Frame {
  const special = isRecord(part["special_tokens"]) ? part["special_tokens"] : {};
  const items = (template: unknown): TemplateItem[] =>
    (Array.isArray(template) ? template : []).filter(isRecord).map((item) => {
      const { SpecialToken: token, Sequence: sequence } = item;
      if (isRecord(sequence)) {
        return { content: sequence["id"] === "B" ? "B" : "A", segment: Number(sequence["type_id"] ?? 0) };
      }
      const name = isRecord(token) ? String(token["id"]) : "";
      const entry = special[name];
      const ids = isRecord(entry) && Array.isArray(entry["ids"]) ? (entry["ids"] as number[]) : [idOf(name) ?? 0];
      return { content: ids, segment: Number((isRecord(token) ? token["type_id"] : undefined) ?? 0) };
    });
  const single = items(part["single"]);
  const pair = items(part["pair"]);
  const [first, second] = [
    pair.findIndex(({ content }) => content === "A"),
    pair.findIndex(({ content }) => content === "B"),
  ];
  const middle = single.findIndex(({ content }) => content === "A");
  return {
    single: { before: idsOf(single.slice(0, middle)), after: idsOf(single.slice(middle + 1)) },
    pair: {
      before: idsOf(pair.slice(0, first)),
      between: idsOf(pair.slice(first + 1, second)),
      after: idsOf(pair.slice(second + 1)),
      secondSegment: pair[second]?.segment ?? 0,
    },
  };
}

function idsOf(items: readonly TemplateItem[]): number[] {
  return items.flatMap(({ content }) => (typeof content === "string" ? [] : content));
}

/** The older form, which names the first and the last token as `[content, id]`. */
function readProcessing(
  part: TokenizerPart,
  { betweenTwice, secondSegment }: { readonly betweenTwice: boolean; readonly secondSegment: number },
): Frame {
  const [start, end] = [idIn(part["cls"]), idIn(part["sep"])];
  if (start === undefined || end === undefined) throw unsupportedPart("post-processor", part);
  return {
    single: { before: [start], after: [end] },
    pair: { before: [start], between: betweenTwice ? [end, end] : [end], after: [end], secondSegment },
  };
}

function idIn(entry: unknown): number | undefined {
  const id: unknown = Array.isArray(entry) ? entry[1] : undefined;
  return typeof id === "number" ? id : undefined;
}
