// Fixed values as one expression. Common beginnings are shared, so that a list of thousands costs llama.cpp one path, not thousands.
import { gbnfLiteral, type GrammarWriter } from "./grammar-writer.ts";
import type { JsonValue } from "./json-value.ts";

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  isEnd: boolean;
}

// Nested brackets are read recursively by llama.cpp, so deep ones become rules of their own.
const MAX_NESTING = 12;

/** Answers an expression for the JSON texts of the values, exactly as `JSON.stringify` writes them. There must be at least one value. */
export function valueTrie(values: readonly JsonValue[], writer: GrammarWriter): string {
  return textTrie(
    values.map((value) => JSON.stringify(value)),
    writer,
  );
}

/** The same for any non-empty texts. */
export function textTrie(texts: readonly string[], writer: GrammarWriter): string {
  const root: TrieNode = { children: new Map(), isEnd: false };
  for (const text of texts) {
    let node = root;
    for (const char of text) {
      let child = node.children.get(char);
      if (child === undefined) {
        child = { children: new Map(), isEnd: false };
        node.children.set(char, child);
      }
      node = child;
    }
    node.isEnd = true;
  }
  return branchExpression(root, writer, 0);
}

function branchExpression(node: TrieNode, writer: GrammarWriter, depth: number): string {
  const options = [...node.children].map(([char, child]) => pathExpression(char, child, { writer, depth }));
  const body = options.join(" | ");
  if (depth > 0 && depth % MAX_NESTING === 0 && options.length > 1) {
    const name = writer.rule("values", body);
    return node.isEnd ? `${name}?` : name;
  }
  if (node.isEnd) return `( ${body} )?`;
  return options.length === 1 ? body : `( ${body} )`;
}

function pathExpression(
  first: string,
  start: TrieNode,
  { writer, depth }: { readonly writer: GrammarWriter; readonly depth: number },
): string {
  let text = first;
  let node = start;
  for (let only = soleChild(node); only !== undefined; only = soleChild(node)) {
    text += only[0];
    node = only[1];
  }
  const literal = gbnfLiteral(text);
  return node.children.size === 0 ? literal : `${literal} ${branchExpression(node, writer, depth + 1)}`;
}

function soleChild(node: TrieNode): [string, TrieNode] | undefined {
  if (node.isEnd || node.children.size !== 1) return undefined;
  const [only] = node.children;
  return only;
}
