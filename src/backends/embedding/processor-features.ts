// Finds features of the processor, for advice to the operator only: a less exact precision is used only if the configuration says so.
import { readFile } from "node:fs/promises";

/** Flags in Linux's /proc/cpuinfo: VNNI of x86, dot and matrix products of ARMv8. */
const int8Flags: ReadonlySet<string> = new Set(["avx512_vnni", "avx_vnni", "asimddp", "i8mm"]);

/** Whether the processor has instructions for int8 products; false where that cannot be known. */
export async function hasInt8DotProduct(): Promise<boolean> {
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  return hasInt8Flag(text);
}

/** Looks at the first list of flags in /proc/cpuinfo's text (`flags` on x86, `Features` on ARM). */
export function hasInt8Flag(cpuinfo: string): boolean {
  const [, flags = ""] = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo) ?? [];
  return flags.split(/\s+/).some((flag) => int8Flags.has(flag));
}
