// Byte-pair encoding as CLIP uses it: bytes are written as printable characters, the last symbol of a word carries `</w>`, and the pair
// that was merged first in training is merged first. Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), 2.2.

/** Ends the last symbol of every word. */
export const endOfWord = "</w>";

// Words are repeated within and across prompts; long ones are rarely words.
const cacheLimit = 8192;
const longestCachedWord = 32;

export interface MergeTable {
  /** Rank of a pair, keyed `left right`; lower ranks merge first. */
  readonly ranks: ReadonlyMap<string, number>;
}

/** Splits one word (no whitespace) into the symbols of the vocabulary. */
export type WordSplitter = (word: string) => readonly string[];

/** A splitter with a bounded memory of the words it has seen. */
export function createWordSplitter(merges: MergeTable): WordSplitter {
  const cache = new Map<string, readonly string[]>();
  return (word) => {
    const known = cache.get(word);
    if (known !== undefined) {
      return known;
    }
    const symbols = mergeSymbols(toByteSymbols(word), merges);
    if (word.length <= longestCachedWord) {
      if (cache.size >= cacheLimit) {
        cache.clear();
      }
      cache.set(word, symbols);
    }
    return symbols;
  };
}

/** The text that symbols stand for; `</w>` becomes a space. Bytes that are no UTF-8 become replacement characters. */
export function textOfSymbols(symbols: readonly string[]): string {
  const bytes: number[] = [];
  for (const symbol of symbols) {
    const isEnd = symbol.endsWith(endOfWord);
    for (const character of isEnd ? symbol.slice(0, -endOfWord.length) : symbol) {
      const byte = byteOfCharacter.get(character);
      if (byte !== undefined) {
        bytes.push(byte);
      }
    }
    if (isEnd) {
      bytes.push(0x20);
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

const characterOfByte = createByteAlphabet();
const byteOfCharacter = new Map(characterOfByte.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();

/** Printable Latin-1 bytes stand for themselves; the others are numbered from U+0100 on, so that no symbol is blank or a control. */
function createByteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
}

function toByteSymbols(word: string): string[] {
  const symbols = Array.from(encoder.encode(word), (byte) => characterOfByte[byte]!);
  symbols[symbols.length - 1] += endOfWord;
  return symbols;
}

interface Candidate {
  readonly rank: number;
  readonly position: number;
  /** The pair as it was when this candidate was found; a changed pair makes it void. */
  readonly left: string;
  readonly right: string;
}

/**
 * Merges by rank, leftmost first among equals. A heap over a linked list keeps a long run without spaces at n log n, where scanning for
 * the best pair again and again would let one request block the process.
 */
function mergeSymbols(symbols: string[], { ranks }: MergeTable): string[] {
  const next = symbols.map((_, i) => i + 1);
  const previous = symbols.map((_, i) => i - 1);
  const merged = "";
  const heap: Candidate[] = [];

  function offer(position: number): void {
    const left = symbols[position];
    const right = symbols[next[position] ?? symbols.length];
    if (left === undefined || right === undefined) {
      return;
    }
    const rank = ranks.get(`${left} ${right}`);
    if (rank !== undefined) {
      push(heap, { rank, position, left, right });
    }
  }

  for (let position = 0; position + 1 < symbols.length; position++) {
    offer(position);
  }
  for (let best = pop(heap); best !== undefined; best = pop(heap)) {
    const { position, left, right } = best;
    const after = next[position]!;
    if (symbols[position] !== left || symbols[after] !== right) {
      continue;
    }
    symbols[position] = left + right;
    symbols[after] = merged;
    next[position] = next[after]!;
    if (next[position] < symbols.length) {
      previous[next[position]] = position;
    }
    offer(position);
    offer(previous[position]!);
  }
  return symbols.filter((symbol) => symbol !== merged);
}

function isBefore(a: Candidate, b: Candidate): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.position < b.position);
}

function push(heap: Candidate[], candidate: Candidate): void {
  let index = heap.push(candidate) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(candidate, heap[parent]!)) {
      break;
    }
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = candidate;
}

function pop(heap: Candidate[]): Candidate | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) {
    return top;
  }
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) {
      break;
    }
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) {
      child++;
    }
    if (!isBefore(heap[child]!, last)) {
      break;
    }
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return top;
}
