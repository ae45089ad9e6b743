// Helpers for tests that start programs: free ports, and waiting for a condition.
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** True where something on this machine accepts connections to the port. */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Asks until the answer is true. @throws Error naming `what`, when that takes longer than `limitMs` */
export async function poll(
  ask: () => Promise<boolean>,
  { what, limitMs = 50_000 }: { readonly what: string; readonly limitMs?: number },
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`Waited ${limitMs / 1000} s in vain until ${what}.`);
    await delay(50);
  }
}
