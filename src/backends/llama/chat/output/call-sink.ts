// Collects what the readers find in one choice's text as events; numbers the calls and makes their ids.
import { randomBytes } from "node:crypto";
import type { ToolDefinition } from "../../../../domain/chat.ts";
import { withoutSigns } from "../../tokens/markup-tokens.ts";
import type { OutputParserOptions, ParsedEvent } from "../types.ts";

/** One call being read. */
export interface OpenCall {
  /** A piece of the JSON arguments. */
  add(piece: string): void;
  /** Ends the call; one that is complete without arguments gets `{}`. */
  close(): void;
}

/** Collects the events of one choice. */
export class EventSink {
  readonly #options: OutputParserOptions;
  readonly #tools: ReadonlyMap<string, ToolDefinition>;
  readonly #isCut: () => boolean;
  #events: ParsedEvent[] = [];
  #calls = 0;
  #closed = 0;
  #nameBegun = false;

  /** `isCut`: the text broke off in what is being read, so that arguments which readers add then were not written by the model. */
  constructor(options: OutputParserOptions, { isCut }: { readonly isCut: () => boolean }) {
    this.#options = options;
    this.#isCut = isCut;
    this.#tools = new Map(options.tools.map((tool) => [tool.name, tool]));
  }

  /** Longest first, so that a name is not taken for a shorter one that it begins with. */
  get toolNames(): readonly string[] {
    return [...this.#tools.keys()].sort((left, right) => right.length - left.length);
  }

  tool(name: string): ToolDefinition | undefined {
    return this.#tools.get(name);
  }

  isIgnored(name: string): boolean {
    return this.#options.family.ignoredNames?.includes(name) ?? false;
  }

  /** Notes a name in which the text broke off: what began like a call is one if a tool's name begins like that. */
  noteBrokenName(beginning: string): void {
    this.#nameBegun ||= [...this.#tools.keys()].some((name) => name.startsWith(beginning));
  }

  /** The text broke off inside the name of a tool. */
  get nameBegun(): boolean {
    return this.#nameBegun;
  }

  /** One call was made where only one is allowed: nothing that follows counts. */
  get full(): boolean {
    return !this.#options.parallel && this.#closed > 0;
  }

  text(signed: string): void {
    const text = withoutSigns(signed);
    if (text !== "") this.#events.push({ type: "text", text });
  }

  reasoning(signed: string): void {
    const text = withoutSigns(signed);
    if (text !== "") this.#events.push({ type: "reasoning", text });
  }

  open(name: string): OpenCall {
    const index = this.#calls;
    this.#calls += 1;
    this.#events.push({ type: "tool-call-start", index, id: (this.#options.createId ?? randomId)(index), name });
    let empty = true;
    const add = (signed: string): void => {
      const piece = withoutSigns(signed);
      if (piece === "" || this.#isCut()) return;
      empty = false;
      this.#events.push({ type: "tool-call-delta", index, arguments: piece });
    };
    return {
      add,
      close: () => {
        if (empty) add("{}");
        this.#closed += 1;
      },
    };
  }

  drain(): ParsedEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** `call_` and 24 letters and digits, as OpenAI's ids look. */
function randomId(): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return `call_${Array.from(randomBytes(24), (byte) => letters.charAt(byte % letters.length)).join("")}`;
}
