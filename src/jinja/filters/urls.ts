// `urlencode` and `urlize`.
import { valueError } from "../errors.ts";
import { codePointLength, offsetsOf } from "../values/text/code-points.ts";
import { iterable, iterate } from "../values/iterate.ts";
import { toText } from "../values/repr.ts";
import { defineAll, or } from "../values/signature.ts";
import { blanks } from "../values/text/character-classes.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { isText, mapRuns, plain, Text, type PyString } from "../values/text/text.ts";
import { isTrue } from "../values/types.ts";
import { Dict, isInteger, type Run, type Value } from "../values/value.ts";

export const urlFilters = defineAll({
  urlencode: [
    "value",
    (run, [value]) => {
      const given = value as Value;
      if (isText(given)) return quoted(run, given, "/");
      const pairs = given instanceof Dict ? [...given.entries()] : iterable(run, given);
      if (pairs === undefined) return quoted(run, toText(run, given), "/");
      const builder = new TextBuilder(run.budget);
      for (const pair of pairs) {
        const [key, entry] = Array.isArray(pair) ? (pair as [Value, Value]) : unpacked(run, pair as Value);
        if (builder.length > 0) builder.add("&");
        builder.add(inQuery(quoted(run, toText(run, key), "")));
        builder.add("=");
        builder.add(inQuery(quoted(run, toText(run, entry), "")));
      }
      return builder.finish();
    },
  ],
  urlize: [
    "value trim_url_limit? nofollow? target? rel? extra_schemes?",
    (run, [value, limit, nofollow, target, rel, schemes]) => {
      const text = toText(run, value as Value);
      run.budget.text(plain(text).length * 8);
      const relations = new Set(
        isText(or(rel, null))
          ? plain(rel as PyString)
              .split(/\s+/)
              .filter((word) => word !== "")
          : [],
      );
      if (isTrue(or(nofollow, false), run)) relations.add("nofollow");
      relations.add("noopener");
      const extra =
        schemes === undefined || schemes === null
          ? []
          : [...iterate(run, schemes)].map((scheme) => plain(toText(run, scheme)));
      const made = linked(plain(text), {
        limit: limit !== undefined && isInteger(limit) ? Number(limit) : Infinity,
        rel: ` rel="${escape([...relations].toSorted().join(" "))}"`,
        target: target === undefined || target === null ? "" : ` target="${escape(plain(toText(run, target)))}"`,
        schemes: extra,
      });
      return typeof text === "string" ? made : new Text(made);
    },
  ],
});

function unpacked(run: Run, pair: Value): [Value, Value] {
  const [key, value, ...rest] = iterate(run, pair);
  if (key === undefined || value === undefined || rest.length > 0)
    throw valueError("not enough values to unpack (expected 2)");
  return [key, value];
}

/** Percent signs for all bytes but letters, digits, `_.-~` and those of `safe`. */
function quoted(run: Run, text: PyString, safe: string): PyString {
  run.budget.text(plain(text).length * 9);
  if (/[\ud800-\udfff]/.test(plain(text).replace(/[\ud800-\udbff][\udc00-\udfff]/g, ""))) {
    throw valueError("'utf-8' codec can't encode character: surrogates not allowed");
  }
  return mapRuns(text, (part) => {
    const escapes = encodeURIComponent(part).replace(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
    return safe === "/" ? escapes.replaceAll("%2F", "/") : escapes;
  });
}

function inQuery(text: PyString): PyString {
  return mapRuns(text, (part) => part.replaceAll("%20", "+"));
}

interface LinkOptions {
  readonly limit: number;
  readonly rel: string;
  readonly target: string;
  readonly schemes: readonly string[];
}

const gaps = new RegExp(`([${blanks}]+)`, "u");

/** Longer words are no addresses, and matching them would take time that grows with the square of their length. */
const longestAddress = 2_048;

const webAddress =
  /^(https?:\/\/|www\.)(([\p{L}\p{N}_%-]+\.)+)?([a-z]{2,63}|xn--[\p{L}\p{N}_%]{2,59}|([\p{L}\p{N}_%-]{2,63}\.)+[a-z]{2,63}|(\d{1,3})(\.\d{1,3}){3}|(\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}\]))(?::\d{1,5})?(?:[/?#]\S*)?$/iu;
const mailAddress = /^\S+@[\p{L}\p{N}_][\p{L}\p{N}_.-]*\.[\p{L}\p{N}_]+$/u;

/** The text as HTML, with links for the addresses of the web and of mail in it. */
function linked(text: string, options: LinkOptions): string {
  return escape(text)
    .split(gaps)
    .map((word) => (word.length > longestAddress ? word : linkWord(word, options)))
    .join("");
}

function linkWord(word: string, options: LinkOptions): string {
  const head = /^([(<]|&lt;)+/.exec(word)?.[0] ?? "";
  let middle = word.slice(head.length);
  let tail = "";
  if (/[)>.,\n]$|&gt;$/.test(middle)) {
    tail = /([)>.,\n]|&gt;)+$/.exec(middle)?.[0] ?? "";
    middle = middle.slice(0, middle.length - tail.length);
  }
  for (const [open, close] of [
    ["(", ")"],
    ["<", ">"],
    ["&lt;", "&gt;"],
  ] as const) {
    const missing = middle.split(open).length - middle.split(close).length;
    for (let count = 0; count < missing; count += 1) {
      const end = tail.indexOf(close);
      if (end === -1) break;
      middle += tail.slice(0, end + close.length);
      tail = tail.slice(end + close.length);
    }
  }
  return head + link(middle, options) + tail;
}

function link(address: string, { limit, rel, target, schemes }: LinkOptions): string {
  if (webAddress.test(address)) {
    const href = /^https?:\/\//.test(address) ? address : `https://${address}`;
    return `<a href="${href}"${rel}${target}>${trimmed(address, limit)}</a>`;
  }
  if (address.startsWith("mailto:") && mailAddress.test(address.slice(7))) {
    return `<a href="${address}">${address.slice(7)}</a>`;
  }
  if (mailAddress.test(address) && !address.startsWith("www.") && !address.includes(":")) {
    return `<a href="mailto:${address}">${address}</a>`;
  }
  const scheme = schemes.find((known) => address !== known && address.startsWith(known));
  return scheme === undefined ? address : `<a href="${address}"${rel}${target}>${address}</a>`;
}

function trimmed(address: string, limit: number): string {
  return codePointLength(address) > limit ? `${address.slice(0, offsetsOf(address)[limit])}...` : address;
}

function escape(text: string): string {
  return text.replace(
    /[&<>'"]/g,
    (character) => `&${{ "&": "amp", "<": "lt", ">": "gt", "'": "#39", '"': "#34" }[character] ?? ""};`,
  );
}
