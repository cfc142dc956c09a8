import { setTimeout as pause } from 'node:timers/promises';

/** Looks again and again until something is so; fails with what was expected and what the last look found. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined | false>,
  withinMs = 60_000,
): Promise<Value> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}; last: ${String(last)}`);
    await pause(25);
  }
}
