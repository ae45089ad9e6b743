// Listens for SIGINT and SIGTERM: the first asks for an orderly end, the second ends the process at once.
import { constants } from "node:os";

type StopSignal = "SIGINT" | "SIGTERM";

/** The part of `process` that is used, as an interface that a test can implement. */
export interface SignalSource {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
  off(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
}

export interface StopSignals {
  /** Resolves at the first signal. */
  readonly requested: Promise<StopSignal>;
  readonly dispose: () => void;
}

/**
 * npm passes on the Ctrl-C that the terminal has already sent to the whole process group, so one key press arrives
 * twice: a second signal so soon is the same one.
 */
const sameKeyPressMs = 500;

/** Listens for signals; `exit` is called with 128 + the signal's number when a second one arrives. */
export function listenForStop(
  source: SignalSource,
  { exit, now }: { readonly exit: (code: number) => void; readonly now: () => number },
): StopSignals {
  let firstMs: number | null = null;
  let resolveRequest: (signal: StopSignal) => void = () => undefined;
  const requested = new Promise<StopSignal>((resolve) => (resolveRequest = resolve));
  const listener = (signal: StopSignal): void => {
    if (firstMs === null) {
      firstMs = now();
      resolveRequest(signal);
    } else if (now() - firstMs >= sameKeyPressMs) exit(128 + constants.signals[signal]);
  };
  source.on("SIGINT", listener);
  source.on("SIGTERM", listener);
  return {
    requested,
    dispose: () => {
      source.off("SIGINT", listener);
      source.off("SIGTERM", listener);
    },
  };
}
