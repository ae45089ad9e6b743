// A file of golden values as text: a line for each case, so that a change shows which cases it touched.

/** JSON whose outermost values are laid out over lines; what lies within them is one line each. */
export function goldenText(values: object): string {
  const rows = Object.entries(values).map(
    ([key, value]: [string, unknown]) => `${JSON.stringify(key)}: ${laidOut(value)}`,
  );
  return `{\n${rows.join(",\n")}\n}\n`;
}

function laidOut(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[\n${value.map((item) => JSON.stringify(item)).join(",\n")}\n]`;
  const rows = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${JSON.stringify(item)}`);
  return `{\n${rows.join(",\n")}\n}`;
}
