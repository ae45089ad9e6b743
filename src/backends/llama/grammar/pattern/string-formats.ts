// Regular expressions for the values of `format`, each to match whole strings. They accept only strings that the format allows, if not
// always all: a grammar must let no invalid string through, while a rare valid one may be missing.

const DAY_31 = "(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])";
const DAY_30 = "(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)";
const DAY_28 = "02-(?:0[1-9]|1\\d|2[0-8])";
const LEAP_YEAR = "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
const DATE = `(?:\\d{4}-(?:${DAY_31}|${DAY_30}|${DAY_28})|${LEAP_YEAR}-02-29)`;
const CLOCK = "(?:[01]\\d|2[0-3]):[0-5]\\d";
// RFC 3339 allows leap seconds only at 23:59:60 UTC, and any number of fraction digits: neither is written here beyond nine digits.
const TIME = `${CLOCK}:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-]${CLOCK})`;
const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
const HOSTNAME = `${LABEL}(?:\\.${LABEL}){0,3}`;
// Without a count of characters the automaton stays small; no validator counts them in an email address or a URI.
const HOST = "[A-Za-z0-9](?:-?[A-Za-z0-9])*(?:\\.[A-Za-z0-9](?:-?[A-Za-z0-9])*)";
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const URI_CHAR = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
const URI_TAIL = `(?:\\?(?:${URI_CHAR}|[/?])*)?(?:#(?:${URI_CHAR}|[/?])*)?`;
const URI = `[A-Za-z][A-Za-z0-9+.-]*://${HOST}{0,4}(?::\\d{1,5})?(?:/${URI_CHAR}*)*${URI_TAIL}`;
const DURATION_TIME = "T(?:\\d{1,9}H(?:\\d{1,9}M)?(?:\\d{1,9}S)?|\\d{1,9}M(?:\\d{1,9}S)?|\\d{1,9}S)";
const DURATION_DATE = "(?:\\d{1,9}Y(?:\\d{1,9}M)?(?:\\d{1,9}D)?|\\d{1,9}M(?:\\d{1,9}D)?|\\d{1,9}D)";

/**
 * Sources: RFC 3339 (date, time, date-time, duration in appendix A), RFC 4122 (uuid), RFC 5321/5322 dot-atoms (email), RFC 1123
 * (hostname), RFC 4291 (ipv6, without the embedded IPv4 form), RFC 3986 (uri with an authority), RFC 4648 (byte).
 */
export const STRING_FORMATS: ReadonlyMap<string, string> = new Map([
  ["date", DATE],
  ["time", TIME],
  ["date-time", `${DATE}T${TIME}`],
  ["duration", `P(?:${DURATION_DATE}(?:${DURATION_TIME})?|${DURATION_TIME}|\\d{1,9}W)`],
  ["uuid", "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"],
  ["email", `${ATOM}(?:\\.${ATOM})*@${HOST}{1,4}`],
  ["hostname", HOSTNAME],
  ["ipv4", IPV4],
  ["ipv6", ipv6()],
  ["uri", URI],
  ["uri-reference", `(?:${URI}|/(?:${URI_CHAR}+/?)*${URI_TAIL})`],
  ["byte", "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"],
]);

/** Formats that put no condition on the text. */
export const FREE_STRING_FORMATS: ReadonlySet<string> = new Set(["password", "binary"]);

function ipv6(): string {
  const group = "[0-9A-Fa-f]{1,4}";
  const forms = [`${group}(?::${group}){7}`];
  for (let before = 0; before <= 7; before += 1) {
    const head = before === 0 ? ":" : `(?:${group}:){${before}}`;
    const most = 7 - before;
    forms.push(most === 0 ? `${head}:` : `${head}(?::${group}){1,${most}}`, `${head}:`);
  }
  return `(?:${forms.join("|")})`;
}
