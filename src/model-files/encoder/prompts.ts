// The prompts that a model's author wrote down, which sentence-transformers puts before texts, and the rule of e5, whose folders say nothing.
import { basename, join } from "node:path";
import { isRecord } from "../../util/is-record.ts";
import { peekJsonObject } from "../json-file.ts";

export interface FolderPrompts {
  /** Texts by the names under which requests ask for them. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Name of the prompt before texts whose request asks for none; `undefined` = none. */
  readonly defaultName: string | undefined;
}

/** e5's model cards ask for one of the two before every text, and for `query: ` where texts have no roles. */
const e5: FolderPrompts = { prompts: { query: "query: ", passage: "passage: " }, defaultName: "query" };

/**
 * `config_sentence_transformers.json` as sentence-transformers 2.4 and later save it, else e5's rule for a model that is called e5. A
 * broken file says nothing here: the load reports it.
 */
export function readFolderPrompts(folder: string): FolderPrompts {
  const file = peekJsonObject(join(folder, "config_sentence_transformers.json"));
  const written = isRecord(file?.["prompts"]) ? file["prompts"] : {};
  const prompts = Object.fromEntries(
    Object.entries(written).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
  if (Object.values(prompts).every((text) => text === "") && isE5(folder)) return e5;
  const name = file?.["default_prompt_name"];
  return { prompts, defaultName: typeof name === "string" && Object.hasOwn(prompts, name) ? name : undefined };
}

/** The name under which sentence-transformers looks for the prompt of a role; `encode_query` and `encode_document` fall back to the default. */
export function promptNameOf(role: "query" | "passage", { prompts, defaultName }: FolderPrompts): string | undefined {
  const names = role === "query" ? ["query"] : ["document", "passage", "corpus"];
  return names.find((name) => Object.hasOwn(prompts, name)) ?? defaultName;
}

/** Such as `e5-large-v2` and `multilingual-e5-base`. Those trained with instructions (`-instruct`) take another prompt. */
function isE5(folder: string): boolean {
  const name = peekJsonObject(join(folder, "config.json"))?.["_name_or_path"];
  return [basename(folder), typeof name === "string" ? name : ""].some(
    (text) => /(?:^|[^a-z0-9])e5(?:[^a-z0-9]|$)/i.test(text) && !/instruct/i.test(text),
  );
}
