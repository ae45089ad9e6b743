// Makes prompts and texts of random words from a fixed list, by a seed, so that every subject and every run gets the same.

/** Common words, each one or two tokens in most vocabularies. */
const words =
  "the of and to in is was for on that with as by at from his her it an were are which this be or had not but have one they all who when there out up into time some could them other than then now look only come over think also back after use two how our work first well way even new want because any these give day most us people year good know take see make find long little very still own life small world house night water light hand high place part great old right thought went through never away again home under last kept story tree children side feet car mile began walk white sea river carry state once book hear stop without second late miss idea enough eat face watch far really almost let above girl sometimes mountain cut young talk soon list song being leave family".split(
    " ",
  );

/** A generator of numbers in [0, 1) (Mulberry32): good enough to choose words, and the same on every machine. */
export function createUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value = (value + Math.imul(value ^ (value >>> 7), value | 61)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One seed from several numbers; their order counts. */
export function mixSeed(...parts: readonly number[]): number {
  let seed = 0x9e3779b9;
  for (const part of parts) seed = Math.imul(seed ^ part, 0x85ebca6b) ^ (seed >>> 13);
  return seed >>> 0;
}

export function randomWords(count: number, seed: number): string {
  const next = createUniform(seed);
  return Array.from({ length: count }, () => words[Math.floor(next() * words.length)]).join(" ");
}

export interface TextMix {
  readonly count: number;
  readonly seed: number;
  readonly medianWords: number;
  readonly maxWords: number;
}

/** Texts of log-normal length (sigma 0.8: search queries and paragraphs mixed), from 3 to `maxWords` words. */
export function mixedTexts({ count, seed, medianWords, maxWords }: TextMix): string[] {
  const next = createUniform(seed);
  return Array.from({ length: count }, (_, index) => {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const length = Math.max(3, Math.min(maxWords, Math.round(medianWords * Math.exp(0.8 * normal))));
    return randomWords(length, mixSeed(seed, index));
  });
}
