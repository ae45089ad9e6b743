// Writes a string of a call's arguments as it arrives.
import { withoutSigns } from "../../../tokens/markup-tokens.ts";
import type { OpenCall } from "../call-sink.ts";

/** Writes text into a JSON string, surrogate pairs unsplit. */
export class TextWriter {
  readonly #call: OpenCall;
  #pending = "";

  constructor(call: OpenCall) {
    this.#call = call;
  }

  write(text: string): void {
    const whole = this.#pending + withoutSigns(text);
    const last = whole.charCodeAt(whole.length - 1);
    const keep = last >= 0xd800 && last <= 0xdbff ? 1 : 0;
    this.#pending = whole.slice(whole.length - keep);
    this.#call.add(JSON.stringify(whole.slice(0, whole.length - keep)).slice(1, -1));
  }

  flush(): void {
    this.#call.add(JSON.stringify(this.#pending).slice(1, -1));
    this.#pending = "";
  }
}
