// `strftime_now`: the time given, in the time zone of the process, as C's strftime prints it in the locale C.
import { isTemplates, plain, Text, type PyString } from "../values/text/text.ts";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** The time by the format. All of it is the caller's where any of the format is. */
export function formatTime(now: Date, format: PyString): PyString {
  const text = expand(now, plain(format));
  return isTemplates(format) ? text : new Text(text);
}

/** Directives with flags and widths as the C library of Linux knows them: `%-d`, `%_H`, `%^a`, `%5Y`. */
function expand(now: Date, format: string): string {
  return format.replace(
    /%([-_0^#]?)(\d{0,3})[EO]?([a-zA-Z%])/g,
    (whole, flag: string, width: string, directive: string) => {
      const value = directives[directive]?.(now);
      if (value === undefined) return whole;
      const isNumber = /^ *\d+$/.test(value);
      const isUpper = flag === "^" || (flag === "#" && !isNumber && directive !== "p");
      const bare = isUpper ? value.toUpperCase() : flag === "#" && directive === "p" ? value.toLowerCase() : value;
      if (flag === "-") return (isNumber ? bare.replace(/^[0 ]+(?=\d)/, "") : bare).padStart(Number(width));
      const digits = bare.replace(/^[0 ]+(?=\d)/, "");
      const fill = flag === "_" ? " " : flag === "0" || (isNumber && !value.startsWith(" ")) ? "0" : " ";
      return isNumber
        ? digits.padStart(Math.max(Number(width), value.length), fill)
        : bare.padStart(Number(width), fill);
    },
  );
}

const directives: Readonly<Record<string, (now: Date) => string>> = {
  a: (now) => (days[now.getDay()] as string).slice(0, 3),
  A: (now) => days[now.getDay()] as string,
  b: (now) => (months[now.getMonth()] as string).slice(0, 3),
  B: (now) => months[now.getMonth()] as string,
  c: (now) => expand(now, "%a %b %e %H:%M:%S %Y"),
  C: (now) => two(Math.floor(now.getFullYear() / 100)),
  d: (now) => two(now.getDate()),
  D: (now) => expand(now, "%m/%d/%y"),
  e: (now) => String(now.getDate()).padStart(2),
  f: (now) => `${String(now.getMilliseconds()).padStart(3, "0")}000`,
  F: (now) => expand(now, "%Y-%m-%d"),
  g: (now) => two(isoWeek(now).year % 100),
  G: (now) => String(isoWeek(now).year),
  h: (now) => (months[now.getMonth()] as string).slice(0, 3),
  H: (now) => two(now.getHours()),
  I: (now) => two(now.getHours() % 12 || 12),
  j: (now) => String(dayOfYear(now) + 1).padStart(3, "0"),
  k: (now) => String(now.getHours()).padStart(2),
  l: (now) => String(now.getHours() % 12 || 12).padStart(2),
  m: (now) => two(now.getMonth() + 1),
  M: (now) => two(now.getMinutes()),
  n: () => "\n",
  p: (now) => (now.getHours() < 12 ? "AM" : "PM"),
  P: (now) => (now.getHours() < 12 ? "am" : "pm"),
  r: (now) => expand(now, "%I:%M:%S %p"),
  R: (now) => expand(now, "%H:%M"),
  s: (now) => String(Math.floor(now.getTime() / 1000)),
  S: (now) => two(now.getSeconds()),
  t: () => "\t",
  T: (now) => expand(now, "%H:%M:%S"),
  u: (now) => String(now.getDay() || 7),
  U: (now) => two(Math.floor((dayOfYear(now) + 7 - now.getDay()) / 7)),
  V: (now) => two(isoWeek(now).week),
  w: (now) => String(now.getDay()),
  W: (now) => two(Math.floor((dayOfYear(now) + 7 - ((now.getDay() + 6) % 7)) / 7)),
  x: (now) => expand(now, "%m/%d/%y"),
  X: (now) => expand(now, "%H:%M:%S"),
  y: (now) => two(now.getFullYear() % 100),
  Y: (now) => String(now.getFullYear()),
  // The time that transformers formats knows no time zone, and prints none.
  z: () => "",
  Z: () => "",
  "%": () => "%",
};

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** Counted from 0. */
function dayOfYear(now: Date): number {
  const day = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate());
  return Math.round((day - Date.UTC(now.getFullYear(), 0, 1)) / 86_400_000);
}

/** The week that has the Thursday next to the day, and the year in which that Thursday lies. */
function isoWeek(now: Date): { year: number; week: number } {
  const thursday = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 4 - (now.getDay() || 7));
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}
