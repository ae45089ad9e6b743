// What the processor can do that changes advice to the operator. Never a decision: a less exact precision is taken only
// where the configuration says so.
import { readFile } from "node:fs/promises";

/** Names of the instructions in Linux's /proc/cpuinfo: x86 VNNI, and dot products and matrix products of ARMv8. */
const int8Flags: ReadonlySet<string> = new Set(["avx512_vnni", "avx_vnni", "asimddp", "i8mm"]);

/** True where int8 matrix products have instructions of their own; false where that cannot be known. */
export async function hasInt8DotProduct(): Promise<boolean> {
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  return hasInt8Flag(text);
}

/** Reads the first list of flags (`flags` on x86, `Features` on ARM). */
export function hasInt8Flag(cpuinfo: string): boolean {
  const [, flags = ""] = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo) ?? [];
  return flags.split(/\s+/).some((flag) => int8Flags.has(flag));
}
