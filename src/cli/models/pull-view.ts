// Shows the progress of a pull: a bar on a terminal, now and then a line elsewhere.
import cliProgress from "cli-progress";
import type { PullListener, PullProgress } from "../../domain/hub/pull.ts";
import type { HubEnvironment } from "../../hub/environment.ts";
import { formatBytes, formatSeconds } from "../../util/format-bytes.ts";
import type { Terminal } from "../terminal.ts";

export interface PullView {
  readonly show: PullListener;
  /** Leaves the terminal as it was. */
  readonly close: () => void;
}

/** Without a terminal, a line each time so much more is there: a log should not grow by the minute. */
const lineEveryShare = 0.1;

export function createPullView(terminal: Terminal, { showsProgress }: Pick<HubEnvironment, "showsProgress">): PullView {
  if (!showsProgress) return { show: (event) => showLine(event, terminal), close: () => {} };
  return terminal.live === null ? createLines(terminal) : createBar(terminal, terminal.live);
}

function createLines(terminal: Terminal): PullView {
  let nextShare = 0;
  return {
    show: (event) => {
      showLine(event, terminal);
      if (event.type !== "bytes" || event.bytes === 0) return;
      const share = event.bytesDone / event.bytes;
      if (share < nextShare) return;
      nextShare = Math.floor(share / lineEveryShare + 1) * lineEveryShare;
      terminal.warn(formatBytesLine(event));
    },
    close: () => {},
  };
}

function createBar(terminal: Terminal, stream: NodeJS.WriteStream): PullView {
  const bar = new cliProgress.SingleBar({
    stream,
    format: "{bar} {percentage}% {text}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 28,
    hideCursor: true,
    clearOnComplete: true,
    // The rate and the rest of the time come with the events; the library's own guess is of the mean.
    etaBuffer: 1,
    // Ctrl-C is the command's.
    gracefulExit: false,
  });
  let isShown = false;
  const hide = (): void => {
    if (isShown) bar.stop();
    isShown = false;
  };
  return {
    show: (event) => {
      if (event.type !== "bytes") {
        // A line pushes the bar down: it is taken away and drawn anew by the next count.
        if (lineOf(event) !== null) hide();
        showLine(event, terminal);
        return;
      }
      const payload = { text: formatRate(event) };
      if (!isShown) bar.start(event.bytes, event.bytesDone, payload);
      isShown = true;
      bar.setTotal(event.bytes);
      bar.update(event.bytesDone, payload);
    },
    close: hide,
  };
}

function showLine(event: PullProgress, terminal: Terminal): void {
  const line = lineOf(event);
  if (line !== null) terminal.warn(line);
}

/** What a person wants to read of an event; `null` = nothing. */
function lineOf(event: PullProgress): string | null {
  switch (event.type) {
    case "source":
      return `Trying ${event.source}`;
    case "source-failed":
      return `${event.message} The next source is tried.`;
    case "resolved": {
      const { license, commit } = event;
      const at = commit === null ? "" : ` at ${commit.slice(0, 12)}`;
      const terms =
        license === null ? "unknown: read its page" : [license.name, license.url].filter(Boolean).join(", ");
      return `Found${at}; licence: ${terms}`;
    }
    case "planned": {
      const there = event.bytesPresent === 0 ? "" : `, ${formatBytes(event.bytesPresent)} of them here already`;
      return `${event.files} ${event.files === 1 ? "file" : "files"}, ${formatBytes(event.bytes)}${there}`;
    }
    case "retry":
      return `${event.message} Trying again${event.delayMs < 1500 ? "" : ` in ${formatSeconds(event.delayMs / 1000)}`}.`;
    case "waiting":
      return `Another process (${event.processId}) fetches ${event.file}: waiting for it.`;
    case "note":
      return event.message;
    case "bytes":
    case "file":
    case "finished":
      return null;
  }
}

type BytesEvent = Extract<PullProgress, { readonly type: "bytes" }>;

function formatBytesLine(event: BytesEvent): string {
  const percent = Math.floor((100 * event.bytesDone) / event.bytes);
  return `${String(percent).padStart(3)}% ${formatRate(event)}`;
}

function formatRate({ bytesDone, bytes, bytesPerSecond, secondsLeft }: BytesEvent): string {
  const rate = bytesPerSecond === 0 ? "" : `, ${formatBytes(bytesPerSecond)}/s`;
  const left = secondsLeft === null || bytesDone >= bytes ? "" : `, ${formatSeconds(secondsLeft)} left`;
  return `${formatBytes(bytesDone)} of ${formatBytes(bytes)}${rate}${left}`;
}
