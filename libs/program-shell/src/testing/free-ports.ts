import { createServer } from 'node:net';

/** Below the range from which the system hands out ports by itself, so that nobody takes one in between by chance. */
const FIRST = 20_000;
const LAST = 30_000;

/**
 * Tests that run beside each other look in different places: a port that one has found and not yet taken must not be
 * found, nor even be listened on for the moment that {@link isFree} takes, by another.
 */
const PLACES = 4;

function whereToLook(): { from: number; to: number } {
  // eslint-disable-next-line no-restricted-syntax -- set by Jest; this file is in no build
  const worker = process.env['JEST_WORKER_ID'];
  if (worker === undefined) return { from: FIRST, to: LAST };
  const width = (LAST - FIRST) / PLACES;
  const from = FIRST + (Number(worker) % PLACES) * width;
  return { from, to: from + width };
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/**
 * So many ports in a row that nobody listens on now. For what is told its port, and for what goes away and comes back on the
 * same one: the system would give a port of its own choice to somebody else meanwhile.
 */
export async function freePortsInARow(count: number): Promise<number[]> {
  const { from, to } = whereToLook();
  for (;;) {
    const first = from + Math.floor(Math.random() * (to - from - count));
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every((one) => one)) return ports;
  }
}
