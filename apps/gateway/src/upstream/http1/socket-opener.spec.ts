import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { AddressGuard } from '../address-guard.ts';
import { UpstreamCredentials, type UpstreamFiles } from '../upstream-credentials.ts';
import { Http1Transport } from './http1-transport.ts';
import { socketOpener } from './socket-opener.ts';
import { Ticks } from './ticks.ts';

const NAME = 'upstream.test';
const OWN = selfSignedCertificate(NAME);
const CLIENT = selfSignedCertificate('gateway.test');
const loopback: LookupFunction = (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]);

describe('HTTPS to an origin', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'upstream-tls-'));
  const servers: Server[] = [];
  const transports: Http1Transport[] = [];
  const seen: { readonly name: unknown; readonly isResumed: boolean; readonly peer: string | undefined }[] = [];
  let refused: (readonly string[])[] = [];
  let nowMs = 0;

  const file = (name: string, text: string): string => {
    const place = path.join(directory, name);
    writeFileSync(place, text);
    return place;
  };

  afterEach(async () => {
    for (const transport of transports.splice(0)) await transport.close();
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    seen.splice(0);
    refused = [];
    nowMs = 0;
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** Answers each connection once. */
  async function upstream(options: TlsOptions = {}): Promise<number> {
    const server = createServer({ key: OWN.key, cert: OWN.cert, ...options }, (socket: TLSSocket) => {
      const { servername } = socket as TLSSocket & { servername?: string };
      const peer = socket.getPeerCertificate() as { subject?: { CN?: string } };
      seen.push({ name: servername, isResumed: socket.isSessionReused(), peer: peer.subject?.CN });
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'));
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  function transportTo(host: string, port: number, files: UpstreamFiles): Http1Transport {
    const events = { onRefused: (faults: readonly string[]) => void refused.push(faults), nowMs: () => nowMs };
    const lookup = new AddressGuard(undefined, loopback).lookupFor(port);
    const credentials = new UpstreamCredentials(files, events);
    const transport = new Http1Transport({
      opener: socketOpener({ origin: `https://${host}:${port}`, port, lookup, credentials }),
      ...{ ticks: new Ticks(), host, maxHeadBytes: 4096, maxConnections: 8 },
      ...{ connectTimeoutMs: 10_000, idleTimeoutMs: 10_000 },
    });
    transports.push(transport);
    return transport;
  }

  /** The body of the answer, or why there is none. */
  const ask = (transport: Http1Transport): Promise<string> =>
    new Promise((resolve) => {
      let body = '';
      const request = { method: 'GET', target: '/', headers: [], body: undefined, upgrade: undefined };
      transport.send(
        { ...request, headTimeoutMs: 10_000, idleTimeoutMs: 10_000 },
        {
          interim: () => undefined,
          head: () => undefined,
          piece: (chunk) => (body += chunk.toString()).length > 0,
          ended: () => resolve(body),
          upgraded: () => resolve('upgraded'),
          failed: ({ kind, reason }) => resolve(`${kind} ${reason}`),
        },
      );
    });

  it('trusts a private authority, names the host, and shows no certificate unless it has one', async () => {
    const port = await upstream({ requestCert: true, rejectUnauthorized: false });
    expect(await ask(transportTo(NAME, port, { ca: file('ca.pem', OWN.cert) }))).toBe('ok');
    expect(seen).toEqual([{ name: NAME, isResumed: false, peer: undefined }]);
  });

  it('shows its certificate to an upstream that asks for one', async () => {
    const port = await upstream({ requestCert: true, ca: CLIENT.cert });
    const files = {
      ca: file('ca.pem', OWN.cert),
      certificate: file('client.pem', CLIENT.cert),
      key: file('client.key', CLIENT.key),
    };
    expect(await ask(transportTo(NAME, port, files))).toBe('ok');
    expect(seen[0]?.peer).toBe('gateway.test');
  });

  it.each([
    ['nobody trusts', NAME, false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['is for another name', 'other.test', true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['is not for an address', '127.0.0.1', true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('reaches no upstream whose certificate %s', async (_what, host, isTrusted, reason) => {
    const port = await upstream();
    const files = isTrusted ? { ca: file('ca.pem', OWN.cert) } : {};
    expect(await ask(transportTo(host, port, files))).toBe(`unreachable ${reason}`);
  });

  it('sends the name of its host, but never an address', async () => {
    const named: string[] = [];
    const SNICallback: TlsOptions['SNICallback'] = (name, callback) => {
      named.push(name);
      callback(null);
    };
    const port = await upstream({ SNICallback });
    for (const host of [NAME, '127.0.0.1']) await ask(transportTo(host, port, { ca: file('ca.pem', OWN.cert) }));
    expect(named).toEqual([NAME]);
  });

  it('speaks nothing below TLS 1.2', async () => {
    const port = await upstream({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    servers[0]?.on('tlsClientError', () => undefined);
    expect(await ask(transportTo(NAME, port, { ca: file('ca.pem', OWN.cert) }))).toMatch(/^unreachable ERR_SSL/);
  });

  it('resumes its session', async () => {
    const port = await upstream();
    const transport = transportTo(NAME, port, { ca: file('ca.pem', OWN.cert) });
    expect([await ask(transport), await ask(transport)]).toEqual(['ok', 'ok']);
    expect(seen.map(({ isResumed }) => isResumed)).toEqual([false, true]);
  });

  it('takes new files up without a restart, and goes on with the old ones while they cannot be used', async () => {
    const port = await upstream();
    const ca = file('ca.pem', CLIENT.cert);
    const transport = transportTo(NAME, port, { ca });
    expect(await ask(transport)).toBe('unreachable DEPTH_ZERO_SELF_SIGNED_CERT');
    writeFileSync(ca, OWN.cert);
    expect(await ask(transport)).toMatch(/^unreachable/);
    nowMs += 10_000;
    expect(await ask(transport)).toBe('ok');
    writeFileSync(ca, 'no certificate');
    for (const expected of [0, 1, 1]) {
      nowMs += 10_000;
      expect(await ask(transport)).toBe('ok');
      expect(refused).toHaveLength(expected);
    }
    expect(refused[0]?.join()).toMatch(/^UPSTREAM_CA_FILE: /);
  });
});
