// Writes the members of a non-empty object: required and optional ones, commas between them, counted where their number is bounded.
import type { GrammarWriter } from "../../gbnf/grammar-writer.ts";

export interface Member {
  readonly isRequired: boolean;
  /** Name, colon and value. */
  readonly expression: string;
}

export interface MemberSequenceOptions {
  readonly writer: GrammarWriter;
  /** Rule for a member of any other name, written after the declared ones; `undefined` where there is none. */
  readonly extra: string | undefined;
  readonly minMembers: number;
  readonly maxMembers: number | undefined;
  readonly refuse: (keyword: string, reason: string) => never;
}

/**
 * One or more members as parts that follow each other, or `undefined` where that is impossible. Each required member before the
 * first optional one is a part.
 *
 * Works backwards from the last member over the states (members considered, members written). Where the number is not bounded only
 * "none yet" and "some" are told apart, so that the grammar is linear in the number of members.
 */
export function memberSequence(
  members: readonly Member[],
  options: MemberSequenceOptions,
): readonly string[] | undefined {
  const { writer, minMembers, refuse } = options;
  const requiredCount = members.filter((member) => member.isRequired).length;
  const maxMembers = options.maxMembers ?? Infinity;
  const needsMin = minMembers > Math.max(1, requiredCount);
  // Names of extra members may repeat, and a repeated name counts once.
  if (needsMin && options.extra !== undefined) refuse("minProperties", "names that the model chooses might repeat");
  const isCounting =
    needsMin || maxMembers < members.length || (options.extra !== undefined && Number.isFinite(maxMembers));
  const top = isCounting ? members.length : 1;
  let requiredBefore = requiredCount;
  let after: (string | undefined)[] = Array.from({ length: top + 1 }, (_, written) => {
    const isReachable = written >= Math.min(requiredBefore, top);
    // Beside extra members a minimum is at most one, and then there is one if there is none of the others.
    const isTooFew = written < minMembers && options.extra === undefined;
    if (!isReachable || (isCounting && (isTooFew || written > maxMembers))) return undefined;
    return extraMembers(written > 0, { ...options, room: maxMembers - (isCounting ? written : members.length) });
  });
  const leading = isCounting
    ? 0
    : Math.max(
        0,
        [...members, undefined].findIndex((member) => member?.isRequired !== true),
      );
  for (const [at, member] of [...members.entries()].slice(leading).reverse()) {
    if (member.isRequired) requiredBefore -= 1;
    // Both ways lead to what follows an optional member: it becomes a rule, so that it is written once.
    else after = after.map((rest) => (rest === undefined ? undefined : named(rest, writer)));
    after = Array.from({ length: top + 1 }, (_, written) => {
      if (written < Math.min(requiredBefore, top) || written > at) return undefined;
      const rest = after[Math.min(written + 1, top)];
      const skip = after[written];
      const comma = written > 0 ? `"," ${writer.shared("ws")} ` : "";
      const take = rest === undefined ? undefined : `${comma}${member.expression}${rest === "" ? "" : ` ${rest}`}`;
      if (member.isRequired || skip === undefined) return take;
      if (take === undefined) return skip;
      return skip === "" ? `( ${take} )?` : `( ${take} | ${skip} )`;
    });
  }
  const comma = `"," ${writer.shared("ws")} `;
  const prefix = members.slice(0, leading).map(({ expression }, at) => `${at > 0 ? comma : ""}${expression}`);
  const rest = after[Math.min(leading, top)];
  if (rest === undefined) return undefined;
  return [...prefix, rest].filter((part) => part !== "");
}

function extraMembers(
  hasMembers: boolean,
  { writer, extra, room }: MemberSequenceOptions & { readonly room: number },
): string | undefined {
  if (extra === undefined || room < 1) return hasMembers ? "" : undefined;
  const next = writer.rule("more", `"," ${writer.shared("ws")} ${extra}`);
  const max = Number.isFinite(room) ? room : undefined;
  if (hasMembers) return writer.repeat(next, { min: 0, max });
  const others = writer.repeat(next, { min: 0, max: max === undefined ? undefined : max - 1 });
  return others === "" ? extra : `${extra} ${others}`;
}

function named(expression: string, writer: GrammarWriter): string {
  return expression === "" || /^[\w-]+$/.test(expression) ? expression : writer.rule("members", expression);
}
