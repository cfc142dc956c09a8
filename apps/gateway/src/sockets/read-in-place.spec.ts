import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { readInPlace } from './read-in-place.ts';

const MEMORY = Buffer.alloc(1024);
let server: Server;
let accepted: Promise<Socket>;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  accepted = once(server, 'connection').then(([socket]) => socket as Socket);
  await once(server, 'listening');
});
afterEach(() => void server.close());

const client = (): Socket => connect((server.address() as AddressInfo).port, '127.0.0.1');
const nobody = { buffer: MEMORY, callback: () => true };

/** The connection's server side, and what it reads. */
async function takenOver(): Promise<{ taken: Socket; read: string[] }> {
  const read: string[] = [];
  const callback = (count: number): boolean => {
    read.push(MEMORY.toString('latin1', 0, count));
    return true;
  };
  const taken = readInPlace(await accepted, { buffer: MEMORY, callback });
  // What the gateway is measured with: another way to read it would be slower, and nobody would notice.
  if (taken === undefined) throw new Error('this version of Node has no handle to take over');
  return { taken, read };
}

describe('an accepted connection that is read in place', () => {
  it('is read into the memory given, answers, and ends on both sides', async () => {
    const socket = client();
    const { taken, read } = await takenOver();
    socket.write('one');
    while (read.join('') !== 'one') await new Promise(setImmediate);
    taken.write('two');
    expect(String(await once(socket, 'data'))).toBe('two');
    const ended = once(taken, 'end');
    socket.end('three');
    await ended;
    expect(read.join('')).toBe('onethree');
    taken.end('four');
    expect(String(await once(socket, 'data'))).toBe('four');
    await once(socket, 'close');
  });

  it('is one of its server’s until it is closed, and no longer', async () => {
    client().on('error', () => undefined);
    const { taken } = await takenOver();
    const closed = once(server.close(), 'close');
    const count = () => new Promise((resolve) => server.getConnections((_error, open) => resolve(open)));
    expect(await count()).toBe(1);
    taken.destroy();
    await closed;
    expect(await count()).toBe(0);
  });

  it('says who is at the other end, and breaks as any other', async () => {
    const socket = client();
    await once(socket, 'connect');
    const { taken } = await takenOver();
    expect(taken.remotePort).toBe(socket.localPort);
    const broken = once(taken, 'error').catch((error: unknown) => [error]);
    socket.resetAndDestroy();
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
  });
});

describe('a connection is left as it is', () => {
  it('when something of it was read', async () => {
    const socket = client();
    const first = await accepted;
    socket.write('said');
    await once(first, 'data');
    expect(readInPlace(first, nobody)).toBeUndefined();
    first.destroy();
  });

  it('when it is closed, or of another kind', async () => {
    class Other extends Socket {}
    client().on('error', () => undefined);
    const first = await accepted;
    expect(readInPlace(new Other(), nobody)).toBeUndefined();
    first.destroy();
    expect(readInPlace(first, nobody)).toBeUndefined();
    expect(readInPlace(new Socket(), nobody)).toBeUndefined();
  });
});
