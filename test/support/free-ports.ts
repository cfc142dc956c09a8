import { createServer } from 'node:net';

/** Below the range from which the system hands out ports by itself, so that nobody takes one in between by chance. */
const FIRST = 20_000;
const LAST = 30_000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** So many ports in a row that nobody listens on now. */
export async function freePortsInARow(count: number): Promise<number[]> {
  for (;;) {
    const first = FIRST + Math.floor(Math.random() * (LAST - FIRST - count));
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every((one) => one)) return ports;
  }
}
