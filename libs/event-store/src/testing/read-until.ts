import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Reads again until what was read will do; the test's own time limit ends it otherwise. Needed for global reading:
 * a transaction of another suite on the same server holds events back for as long as it runs.
 */
export async function readUntil<Value>(read: () => Promise<Value>, willDo: (value: Value) => boolean): Promise<Value> {
  for (;;) {
    const value = await read();
    if (willDo(value)) return value;
    await nextTurn();
  }
}
