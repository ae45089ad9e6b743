// `strftime` for templates: with English names, whatever the machine's locale, as in Python's default locale.

const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** Formats local time with Python's `strftime` directives; an unknown directive stays as it stands. */
export function formatTime(time: Date, format: string): string {
  const month = MONTHS[time.getMonth()] ?? "";
  const day = DAYS[time.getDay()] ?? "";
  const hour12 = time.getHours() % 12 === 0 ? 12 : time.getHours() % 12;
  const startOfYear = Date.UTC(time.getFullYear(), 0, 1);
  const dayOfYear = (Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) - startOfYear) / 86_400_000 + 1;
  const values: Record<string, string> = {
    Y: String(time.getFullYear()),
    y: pad(time.getFullYear() % 100),
    m: pad(time.getMonth() + 1),
    d: pad(time.getDate()),
    e: String(time.getDate()).padStart(2, " "),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    H: pad(time.getHours()),
    I: pad(hour12),
    M: pad(time.getMinutes()),
    S: pad(time.getSeconds()),
    p: time.getHours() < 12 ? "AM" : "PM",
    j: String(dayOfYear).padStart(3, "0"),
    F: `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`,
    T: `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`,
    "%": "%",
  };
  return format.replaceAll(/%([A-Za-z%])/g, (directive, letter: string) => values[letter] ?? directive);
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
