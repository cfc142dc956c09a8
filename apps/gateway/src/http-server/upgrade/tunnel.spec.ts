import { Duplex, PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Tunnel } from './tunnel.ts';

const HOUR_MS = 3_600_000;
const TURNS = 100;

it('a tunnel reads no more of an upstream than its client takes', async () => {
  let read = 0;
  const upstream = new Duplex({
    read() {
      read += 1;
      this.push(Buffer.alloc(16 * 1024));
    },
    write: (_piece, _encoding, done) => done(),
  });
  // Takes one piece and is never done with it.
  const client = new Duplex({ read: () => undefined, write: () => undefined });
  const tunnel = new Tunnel(client, upstream, HOUR_MS, { onOver: () => undefined });
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(10);
  tunnel.destroy();
});

it('a tunnel to a connection that is closed already is over', async () => {
  const client = new PassThrough();
  const upstream = new PassThrough().destroy();
  const over = new Promise<boolean>((resolve) => new Tunnel(client, upstream, HOUR_MS, { onOver: resolve }));
  expect(await over).toBe(false);
});
