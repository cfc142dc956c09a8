import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';

const ENVIRONMENTS = ['production'];

describe('WebSocket connections of the library ws, through a gateway to a server of the same', () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'chat' });
  let system: GatewardenSystem;
  let base: string;

  beforeAll(async () => {
    sockets.on('connection', (socket, request) => {
      if (request.url === '/bye') return socket.close(4_001, 'enough');
      return socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    system = await GatewardenSystem.start(ENVIRONMENTS, { gatewaysEach: 1, deployers: 0 });
    base = system.gateway('production').url.replace('http', 'ws');
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const name of ['chat', 'guarded']) {
      const body = proxyBody(name, `/${name}`, address, ENVIRONMENTS);
      const created = await system.api('POST', '/apiops/projects/demo/apiProxies/url/', body);
      expect(created.body.deploymentResult?.success).toBe(true);
    }
    const guard = policyBody(authJwtPolicy({ grantType: 'CLIENT_CREDENTIALS' }), ENVIRONMENTS);
    const added = await system.api('POST', '/apiops/projects/demo/apiProxies/guarded/policies/jwt/', guard);
    expect(added.body.deploymentResult?.success).toBe(true);
  }, 120_000);

  afterAll(async () => {
    for (const client of sockets.clients) client.terminate();
    await system.stop();
    server.close();
  });

  async function connected(path: string): Promise<WebSocket> {
    const socket = new WebSocket(base + path, 'chat');
    await once(socket, 'open');
    return socket;
  }

  it('carry text and bytes of all sizes both ways, in their order', async () => {
    const socket = await connected('/chat/room');
    const sent = [0, 1, 125, 126, 65_535, 65_536, 1_000_000].map((size) => randomBytes(size));
    const came: Buffer[] = [];
    const all = new Promise<void>((resolve) =>
      socket.on('message', (data: Buffer) => came.push(data) === sent.length && resolve()),
    );
    for (const message of sent) socket.send(message);
    await all;
    expect(came.every((message, index) => message.equals(sent[index]!))).toBe(true);
    expect(socket.protocol).toBe('chat');
    socket.send('text');
    const [text, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
    expect([text.toString(), isBinary]).toEqual(['text', false]);
    socket.close(1_000, 'done');
    expect((await once(socket, 'close'))[0]).toBe(1_000);
  });

  it('are pinged and ponged', async () => {
    const socket = await connected('/chat/room');
    const pong = once(socket, 'pong');
    socket.ping('are you there');
    expect(String((await pong)[0])).toBe('are you there');
    socket.terminate();
  });

  it('are ended by the server with its own code and reason', async () => {
    const socket = new WebSocket(`${base}/chat/bye`, 'chat');
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4_001, 'enough']);
  });

  it('are refused by the policies as any other request', async () => {
    const socket = new WebSocket(`${base}/guarded/room`, 'chat');
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(401);
    socket.on('error', () => undefined).terminate();
  });
});
