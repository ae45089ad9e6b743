// Formats a file of golden values with one line for each case, so that a diff shows the cases that changed.

/** JSON with two levels laid out over lines; each value of the second level is one line. */
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
