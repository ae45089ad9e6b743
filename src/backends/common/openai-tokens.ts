// Reads token ids of OpenAI's embedding models (cl100k_base) back to text. LangChain for Python sends such ids by default, whatever server
// it talks to. js-tiktoken carries the table; its own decoder would first build an encoder, in a second and 90 MB.
import { ServerError } from "../../domain/errors.ts";

/** The bytes of a token by its id; `undefined` for an id that the table does not have. */
type TokenTable = (id: number) => Uint8Array | undefined;

let table: Promise<TokenTable> | undefined;

/**
 * The text of the ids. Loads the table at the first call, some 10 MB. Bytes that are no character, as where a client has cut a text in the
 * middle of one, become U+FFFD.
 * @throws ServerError `invalid_value` for an id that cl100k_base does not have, at `param`
 */
export async function decodeOpenAiTokens(ids: readonly number[], param: string): Promise<string> {
  table ??= loadTable();
  const bytesOf = await table;
  const bytes = ids.map((id, index) => {
    const found = bytesOf(id);
    if (found !== undefined) return found;
    throw new ServerError("invalid_value", {
      message: `Token id ${id} is not one of OpenAI's cl100k_base, whose ids this model is asked with.`,
      param: `${param}[${index}]`,
    });
  });
  return Buffer.concat(bytes).toString("utf8");
}

async function loadTable(): Promise<TokenTable> {
  const { default: ranks } = await import("js-tiktoken/ranks/cl100k_base");
  const tokens: string[] = [];
  for (const line of ranks.bpe_ranks.split("\n")) {
    // A mark, the first id, and the tokens that follow one another in base64.
    const [, first, ...encoded] = line.split(" ");
    for (const [index, token] of encoded.entries()) tokens[Number(first) + index] = token;
  }
  const special = new Map(Object.entries(ranks.special_tokens).map(([content, id]) => [id, content]));
  return (id) => {
    const token = tokens[id];
    if (token !== undefined) return Buffer.from(token, "base64");
    const content = special.get(id);
    return content === undefined ? undefined : Buffer.from(content);
  };
}
