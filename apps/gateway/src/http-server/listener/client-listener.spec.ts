import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { connect as connectTcp } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { Rig, askRaw, proxyOf, type GatewayWishes, type RunningGateway, type RunningUpstream } from '../testing/rig.ts';
import { CertificateKeeper } from './certificate-keeper.ts';

const rig = new Rig();
const directory = mkdtempSync(path.join(os.tmpdir(), 'listener-'));
const [certFile, keyFile] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
const first = selfSignedCertificate('first.test');
const second = selfSignedCertificate('second.test');
const refused: string[] = [];
const write = ({ cert, key }: { readonly cert: string; readonly key: string }): void => {
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
};

beforeEach(() => {
  refused.length = 0;
  write(first);
});
afterEach(() => rig.stop());
afterAll(() => rmSync(directory, { recursive: true }));

const keeper = (minVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.2'): CertificateKeeper =>
  new CertificateKeeper(
    { certFile, keyFile, minVersion },
    { onReplaced: () => undefined, onRefused: (fault) => refused.push(fault) },
  );

interface Served {
  readonly upstream: RunningUpstream;
  readonly gateway: RunningGateway;
}

async function served(wishes: GatewayWishes = {}): Promise<Served> {
  const upstream = await rig.upstream((_request, response) => response.end('served'));
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url] })], ...wishes });
  return { upstream, gateway };
}

const REQUEST = 'GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const PROXY_LINE = 'PROXY TCP4 203.0.113.9 10.0.0.1 12345 443\r\n';

async function secured(port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...more });
  await once(socket, 'secureConnect');
  return socket;
}

async function askSecured(socket: TLSSocket): Promise<string> {
  socket.write(REQUEST);
  let text = '';
  for await (const piece of socket) text += String(piece);
  return text;
}

describe('TLS', () => {
  it('is ended here: HTTP/1.1 goes on as https, whatever the pieces', async () => {
    const { upstream, gateway } = await served({ certificate: keeper() });
    expect(await askSecured(await secured(gateway.port))).toMatch(/^HTTP\/1\.1 200 [^]*served/);
    const socket = await secured(gateway.port, { ALPNProtocols: ['http/1.1'] });
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.write('GET /ord');
    socket.write('ers HTTP/1.1\r\n');
    expect(await askSecured(socket)).toMatch(/^HTTP\/1\.1 /);
    expect(upstream.seen[0]?.headers['x-forwarded-proto']).toBe('https');
  });

  it('of an older version than allowed is not spoken', async () => {
    const { gateway } = await served({ certificate: keeper('TLSv1.3') });
    await expect(secured(gateway.port, { maxVersion: 'TLSv1.2' })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
    expect(await askSecured(await secured(gateway.port))).toContain('served');
  });

  it('is not answered in the clear, and a broken handshake ends nothing but its connection', async () => {
    const { upstream, gateway } = await served({ certificate: keeper() });
    expect(await askRaw(gateway.port, REQUEST)).not.toContain('HTTP/1.1');
    expect(await askSecured(await secured(gateway.port))).toContain('served');
    expect(upstream.seen).toHaveLength(1);
  });

  it('that is not begun in time ends the connection', async () => {
    const { gateway } = await served({ certificate: keeper(), listener: { handshakeTimeoutMs: 100 } });
    expect(await askRaw(gateway.port, '')).toBe('');
  });

  it('without HTTP/2 does not offer it', async () => {
    const { gateway } = await served({ certificate: keeper(), listener: { http2: false } });
    const socket = await secured(gateway.port, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
  });
});

describe('a certificate whose files change', () => {
  const subjectOf = async (port: number): Promise<string> => {
    const socket = await secured(port);
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  };

  it('is served anew when two looks saw the same; a connection that is open goes on', async () => {
    const certificate = keeper();
    const { gateway } = await served({ certificate });
    const open = await secured(gateway.port);
    write(second);
    certificate.look();
    expect(await subjectOf(gateway.port)).toBe('first.test');
    certificate.look();
    expect(await subjectOf(gateway.port)).toBe('second.test');
    expect(await askSecured(open)).toContain('served');
    expect(refused).toEqual([]);
  });

  it('to what cannot be used is reported once, and the one before serves on', async () => {
    const certificate = keeper();
    const { gateway } = await served({ certificate });
    write({ cert: second.cert, key: first.key });
    for (let look = 0; look < 4; look += 1) certificate.look();
    expect(refused).toEqual([expect.stringMatching(/^TLS_CERT_FILE and TLS_KEY_FILE hold no certificate/)]);
    rmSync(keyFile);
    certificate.look();
    certificate.look();
    expect(refused.slice(1)).toEqual(['TLS_KEY_FILE cannot be read (ENOENT)']);
    expect(await subjectOf(gateway.port)).toBe('first.test');
    write(second);
    certificate.look();
    certificate.look();
    expect(await subjectOf(gateway.port)).toBe('second.test');
  });

  it('that cannot be used at the start is an error', () => {
    write({ cert: second.cert, key: first.key });
    expect(() => keeper()).toThrow('TLS_CERT_FILE and TLS_KEY_FILE');
  });
});

it('a client of TLS 1.2 that asks for a second handshake gets none', async () => {
  const { gateway } = await served({ certificate: keeper() });
  const socket = await secured(gateway.port, { maxVersion: 'TLSv1.2' });
  const refusal = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
  let hasSecond = false;
  socket.renegotiate({ rejectUnauthorized: false }, (error) => (hasSecond = error === null));
  expect((await refusal)[0].code).toBe('ERR_SSL_NO_RENEGOTIATION');
  expect(hasSecond).toBe(false);
});

describe('the PROXY protocol', () => {
  const listener = { proxyProtocol: true };

  it('says who the client is, in whatever pieces it comes', async () => {
    const { upstream, gateway } = await served({ listener });
    expect(await askRaw(gateway.port, PROXY_LINE + REQUEST)).toContain('served');
    const socket = connectTcp(gateway.port, '127.0.0.1').setNoDelay(true);
    for (const piece of [...PROXY_LINE, REQUEST]) await new Promise((resolve) => socket.write(piece, resolve));
    await once(socket.resume(), 'close');
    expect(upstream.seen.map(({ headers }) => headers['x-forwarded-for'])).toEqual(['203.0.113.9', '203.0.113.9']);
  });

  it('stands before TLS', async () => {
    const { upstream, gateway } = await served({ listener, certificate: keeper() });
    const raw = connectTcp(gateway.port, '127.0.0.1');
    raw.write(PROXY_LINE);
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    expect(await askSecured(socket)).toContain('served');
    expect(upstream.seen[0]?.headers).toMatchObject({ 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' });
  });

  it.each([
    ['is missing', '', REQUEST, 'no PROXY header'],
    ['is broken', '', `PROXY TCP4 x y 1 2\r\n${REQUEST}`, 'malformed line'],
    ['comes from whom it may not', '192.0.2.0/24', PROXY_LINE + REQUEST, 'not from a trusted proxy'],
  ])('that %s ends the connection', async (_what, trusted, bytes, reason) => {
    const settings = { trustedProxies: trusted === '' ? [] : [trusted] };
    const { upstream, gateway } = await served({ listener, settings });
    expect(await askRaw(gateway.port, bytes)).toBe('');
    expect(upstream.seen).toHaveLength(0);
    expect(gateway.proxyRefusals).toEqual([reason]);
  });

  it('that is not there in time ends the connection', async () => {
    const { gateway } = await served({ listener: { ...listener, handshakeTimeoutMs: 100 } });
    expect(await askRaw(gateway.port, 'PROXY ')).toBe('');
  });

  it('from a trusted proxy makes nobody else trusted', async () => {
    const { upstream, gateway } = await served({ listener, settings: { trustedProxies: ['127.0.0.1'] } });
    const forged = REQUEST.replace('Host: a', 'Host: a\r\nX-Forwarded-For: 10.9.9.9');
    expect(await askRaw(gateway.port, PROXY_LINE + forged)).toContain('served');
    expect(upstream.seen[0]?.headers['x-forwarded-for']).toBe('203.0.113.9');
  });
});

it('a drain does not wait for a connection that never said anything', async () => {
  const { gateway } = await served({ certificate: keeper() });
  const silent = connectTcp(gateway.port, '127.0.0.1');
  await once(silent, 'connect');
  const session = http2.connect(`https://127.0.0.1:${gateway.port}`, { rejectUnauthorized: false });
  await once(session, 'connect');
  await gateway.server.drain(20_000);
  await Promise.all([silent, session].map(async (each) => each.destroyed || once(each, 'close')));
});
