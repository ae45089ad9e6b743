// Checks the order of a text operation's events, which src/domain/text.ts promises.
import { expect } from "vitest";
import type { TextEvent, TextPart } from "../../src/domain/text.ts";

/** Fails where `events` are not those of one whole operation with `choices` choices. */
export function expectWholeOperation(events: readonly TextEvent[], choices: number): void {
  expect(events[0]?.type).toBe("accepted");
  expect(events.at(-1)?.type).toBe("finish");
  const open = new Map<number, TextPart>();
  const calls = new Map<number, number>();
  const ended = new Set<number>();
  for (const event of events.slice(1, -1)) {
    if (!("choice" in event)) throw new Error(`${event.type} in the middle of the events.`);
    const { choice } = event;
    expect(choice).toBeLessThan(choices);
    expect(ended.has(choice), `${event.type} after the end of choice ${choice}`).toBe(false);
    const part = open.get(choice);
    switch (event.type) {
      case "part-start":
        expect(part, "a part begins inside another").toBeUndefined();
        open.set(choice, event.part);
        if (event.part.type !== "tool-call") break;
        expect(event.part.index).toBe(calls.get(choice) ?? 0);
        calls.set(choice, event.part.index + 1);
        break;
      case "part-end":
        expect(part, "a part ends that never began").toBeDefined();
        open.delete(choice);
        break;
      case "text-delta":
        expect(part?.type).toBe("text");
        expect(event.text.isWellFormed()).toBe(true);
        break;
      case "reasoning-delta":
        expect(part?.type).toBe("reasoning");
        break;
      case "tool-call-delta":
        expect(part).toMatchObject({ type: "tool-call", index: event.index });
        break;
      case "choice-end":
        expect(part, "a choice ends inside a part").toBeUndefined();
        ended.add(choice);
        break;
    }
  }
  expect(ended.size).toBe(choices);
}
