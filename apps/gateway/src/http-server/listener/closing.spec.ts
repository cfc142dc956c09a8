import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { Rig, askRaw, proxyOf } from '../testing/rig.ts';
import { servedCertificate } from '../testing/served-certificate.ts';

const rig = new Rig();
const certificate = servedCertificate();
afterEach(() => rig.stop());

const PROXY_LINE = 'PROXY TCP4 203.0.113.9 10.0.0.1 12345 443\r\n';
const REQUEST = 'GET /orders HTTP/1.1\r\nHost: a\r\n\r\n';

const secured = async (port: number, start: string, protocol: string) => {
  const socket = connectTcp(port, '127.0.0.1');
  if (start !== '') socket.write(start);
  const tls = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: [protocol] });
  await once(tls, 'secureConnect');
  return { socket, tls };
};

/** Ways of a client to come and go. */
const WAYS: Readonly<Record<string, (port: number, start: string) => Promise<unknown>>> = {
  'in the clear': (port, start) => askRaw(port, start + REQUEST),
  'half a handshake': async (port, start) => {
    const socket = connectTcp(port, '127.0.0.1');
    await new Promise((resolve) => socket.write(`${start}\x16\x03\x01`, 'latin1', resolve));
    socket.end();
    await once(socket.resume(), 'close');
  },
  'leaves at once': async (port, start) => {
    const socket = connectTcp(port, '127.0.0.1');
    await new Promise((resolve) => socket.write(start, resolve));
    socket.destroy();
    await once(socket, 'close');
  },
  'leaves after the handshake': async (port, start) => {
    const { tls } = await secured(port, start, 'http/1.1');
    tls.end();
    await once(tls.resume(), 'close');
  },
  'cuts the connection behind TLS': async (port, start) => {
    const { socket } = await secured(port, start, 'http/1.1');
    socket.resetAndDestroy();
    await once(socket, 'close');
  },
  'is answered': async (port, start) => {
    const { tls } = await secured(port, start, 'http/1.1');
    tls.write(REQUEST);
    await once(tls, 'data');
    tls.end();
    await once(tls.resume(), 'close');
  },
  'is answered over HTTP/2': async (port, start) => {
    const { tls } = await secured(port, start, 'h2');
    const session = http2.connect('https://a', { createConnection: () => tls });
    await once(session.request({ ':path': '/orders' }).resume(), 'end');
    session.close();
    await once(session, 'close');
  },
  'is curl, which does not wait for the other half to end': async (port, start) => {
    const args = ['-sk', '--http2', ...(start === '' ? [] : ['--haproxy-protocol'])];
    const { stdout } = await promisify(execFile)('curl', [...args, `https://127.0.0.1:${port}/orders`]);
    expect(stdout).toBe('served');
  },
  'cuts the connection behind HTTP/2': async (port, start) => {
    const { socket, tls } = await secured(port, start, 'h2');
    const session = http2.connect('https://a', { createConnection: () => tls }).on('error', () => undefined);
    await once(session.request({ ':path': '/orders' }).resume(), 'end');
    socket.resetAndDestroy();
    await once(session, 'close');
  },
};

describe.each([
  ['', ''],
  [' with a PROXY header', PROXY_LINE],
])('a TLS connection%s', (_with, start) => {
  it.each(Object.entries(WAYS))('%s: nothing of it is left', async (_way, comeAndGo) => {
    const upstream = await rig.upstream((_request, response) => response.end('served'));
    const listener = { proxyProtocol: start !== '' };
    const proxies = [proxyOf({ addresses: [upstream.url] })];
    const gateway = await rig.gateway({ proxies, certificate, listener });
    await comeAndGo(gateway.port, start);
    const { server } = gateway;
    while (Object.values(server.load.connections).some((count) => count > 0)) await nextTurn();
    await server.drain(60_000);
    expect(server.load.inFlight).toBe(0);
  });
});
