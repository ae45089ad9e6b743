// `format`, `format_map` and `encode` of str.
import { pythonError, typeError } from "../errors.ts";
import { formatValue } from "../format/format-spec.ts";
import { formatTemplate, type FormatArguments } from "../format/str-format.ts";
import { Bytes } from "../values/collections.ts";
import { escaped } from "../values/markup.ts";
import { defineAll } from "../values/signature.ts";
import { isMarkup, isTemplates, isText, plain, withMarkup, type PyString } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { Dict, type Run, type Value } from "../values/value.ts";

export const formatMethods = defineAll({
  format: [
    "/ self * **",
    (run, [self], extra) => {
      const named = new Map(extra.keywords.map(({ name, value }) => [plain(name), value]));
      const given = { positional: extra.positional, named: (name: PyString) => named.get(plain(name)) };
      return format(run, self as PyString, given);
    },
  ],
  format_map: [
    "/ self mapping",
    (run, [self, mapping]) =>
      format(run, self as PyString, { positional: [], named: (name) => keyed(mapping as Value, name) }),
  ],
  encode: [
    "self encoding? errors?",
    (run, [self, encoding]) => {
      const text = self as PyString;
      run.budget.text(plain(text).length * 4);
      const name =
        encoding === undefined || !isText(encoding) ? "utf-8" : plain(encoding).toLowerCase().replace(/[_ ]/g, "-");
      return new Bytes(encode(plain(text), name), !isTemplates(text));
    },
  ],
});

function keyed(mapping: Value, name: PyString): Value | undefined {
  if (mapping instanceof Dict) return mapping.get(name);
  throw typeError(`'${typeName(mapping)}' object is not a mapping`);
}

function format(run: Run, template: PyString, given: FormatArguments): PyString {
  if (!isMarkup(template)) return formatTemplate(run, template, { given });
  const formatField = (_: Run, value: Value, specification: PyString): PyString =>
    isText(value) && isMarkup(value) ? value : escaped(run, formatValue(run, value, specification));
  return withMarkup(formatTemplate(run, template, { given, formatField }), true);
}

function encode(text: string, encoding: string): Uint8Array {
  if (/[\ud800-\udfff]/.test(text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ""))) {
    throw pythonError("UnicodeEncodeError", `'${encoding}' codec can't encode character: surrogates not allowed`);
  }
  if (["utf-8", "utf8", "u8"].includes(encoding)) return new TextEncoder().encode(text);
  const most = ["ascii", "us-ascii"].includes(encoding) ? 0x7f : 0xff;
  if (most === 0xff && !["latin-1", "latin1", "iso-8859-1", "l1"].includes(encoding)) {
    throw pythonError("LookupError", `unknown encoding: ${encoding}`);
  }
  return Uint8Array.from(text, (character) => {
    const code = character.codePointAt(0) as number;
    if (code <= most) return code;
    throw pythonError("UnicodeEncodeError", `'${encoding}' codec can't encode character`);
  });
}
