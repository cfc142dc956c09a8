import type { IncomingMessage } from 'node:http';
import { Rig, ask, askRaw, proxyOf, tokenOf, verifyJwt, type GatewayWishes } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

async function start(wishes: GatewayWishes = {}, pipelines = {}, answerHeaders: string[] = []) {
  const upstream = await rig.upstream((_request, response) => {
    response.writeHead(200, answerHeaders);
    response.end('ok');
  });
  const gateway = await rig.gateway({ proxies: [proxyOf({ addresses: [upstream.url], pipelines })], ...wishes });
  const lastSeen = (): IncomingMessage => {
    const request = upstream.seen.at(-1);
    if (request === undefined) throw new Error('the upstream saw nothing');
    return request;
  };
  return { upstream, gateway, lastSeen };
}

describe('headers on the way to the upstream', () => {
  it('lose what concerns one connection, also what Connection names', async () => {
    const { gateway, lastSeen } = await start();
    const headers = {
      connection: 'close, X-Secret-Hop',
      'x-secret-hop': '1',
      'keep-alive': 'timeout=5',
      'proxy-connection': 'keep-alive',
      'proxy-authorization': 'Basic eA==',
      te: 'gzip, trailers',
      'http2-settings': 'AAAA',
      'x-kept': 'yes',
    };
    await ask({ port: gateway.port, path: '/orders', headers });
    const seen = lastSeen().headers;
    expect(seen).toMatchObject({ 'x-kept': 'yes', te: 'trailers' });
    for (const name of ['x-secret-hop', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'http2-settings']) {
      expect(seen).not.toHaveProperty(name);
    }
  });

  it('say who asked, replacing what an unknown client claims', async () => {
    const { gateway, lastSeen, upstream } = await start();
    const headers = {
      host: 'shop.test',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-prefix': '/evil',
      'x-real-ip': '6.6.6.6',
      forwarded: 'for=6.6.6.6',
      x_forwarded_for: '6.6.6.6',
      via: '1.1 earlier',
      'apinizer-correlation-id': 'chosen-by-the-client',
    };
    const answer = await ask({ port: gateway.port, path: '/orders', headers });
    const seen = lastSeen().headers;
    expect(seen).toMatchObject({
      host: `127.0.0.1:${upstream.port}`,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.test',
      via: '1.1 earlier, 1.1 gatewarden',
    });
    expect(seen['apinizer-correlation-id']).toBe(answer.headers['apinizer-correlation-id']);
    expect(seen['apinizer-correlation-id']).not.toBe('chosen-by-the-client');
    expect(lastSeen().rawHeaders.join()).not.toMatch(/6\.6\.6\.6|evil/);
  });

  it('keep what a trusted proxy says of earlier hops, with its own address added', async () => {
    const { gateway, lastSeen } = await start({ settings: { trustedProxies: ['127.0.0.0/8'] } });
    const headers = {
      'x-forwarded-for': '9.9.9.9, 127.0.0.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'public.test',
      'apinizer-correlation-id': 'id-of-the-balancer',
    };
    const answer = await ask({ port: gateway.port, path: '/orders', headers });
    expect(lastSeen().headers).toMatchObject({
      'x-forwarded-for': '9.9.9.9, 127.0.0.7, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'public.test',
      'apinizer-correlation-id': 'id-of-the-balancer',
    });
    expect(answer.headers['apinizer-correlation-id']).toBe('id-of-the-balancer');
  });

  it('say it in Forwarded too, where that is asked for', async () => {
    const { gateway, lastSeen } = await start({ settings: { addsForwarded: true } });
    await ask({ port: gateway.port, path: '/orders', headers: { host: 'shop.test:81', forwarded: 'for=6.6.6.6' } });
    expect(lastSeen().headers.forwarded).toBe('for=127.0.0.1;host="shop.test:81";proto=http');
  });

  it('keep the Forwarded of a trusted proxy, with its own hop added, and are what it says', async () => {
    const trustedProxies = ['127.0.0.0/8', '192.0.2.1'];
    const { gateway, lastSeen } = await start({ settings: { trustedProxies } });
    const said =
      'for=6.6.6.6;proto=http, for="[2001:db8::9]:4711";host=public.test;proto=https, for=192.0.2.1;proto=http';
    await ask({ port: gateway.port, path: '/orders', headers: { host: 'inner.test', forwarded: said } });
    expect(lastSeen().headers).toMatchObject({
      forwarded: `${said}, for=127.0.0.1;host=inner.test;proto=http`,
      'x-forwarded-for': '6.6.6.6, [2001:db8::9]:4711, 192.0.2.1, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'public.test',
    });
    expect((await gateway.summary()).clientAddress).toBe('2001:db8::9');
  });

  it('lose a Forwarded that cannot be read, and believe nothing of it', async () => {
    const { gateway, lastSeen } = await start({ settings: { trustedProxies: ['127.0.0.0/8'] } });
    await ask({ port: gateway.port, path: '/orders', headers: { forwarded: 'for=9.9.9.9, for="8.8.8.8' } });
    expect(lastSeen().headers).not.toHaveProperty('forwarded');
    expect(lastSeen().headers['x-forwarded-for']).toBe('127.0.0.1');
  });

  it('tell policies who the client is beside who connected', async () => {
    const forwardVariables = ['client.ip', 'client.resolved.ip'].map((variable) => ({
      variable,
      header: `x-${variable}`,
    }));
    const { gateway, lastSeen } = await start(
      { settings: { trustedProxies: ['127.0.0.0/8'] } },
      { request: [verifyJwt('check', { forwardVariables })] },
    );
    const headers = { 'x-forwarded-for': '9.9.9.9, 127.0.0.7', authorization: `Bearer ${tokenOf({ sub: 'ann' })}` };
    expect((await ask({ port: gateway.port, path: '/orders', headers })).status).toBe(200);
    expect(lastSeen().headers).toMatchObject({ 'x-client.ip': '127.0.0.1', 'x-client.resolved.ip': '9.9.9.9' });
  });

  it('are what policies set; the client’s own of that name never get through, in any spelling', async () => {
    const policy = verifyJwt('check', {
      forwardVariables: [{ variable: 'jwt.check.claim.subject', header: 'X-User' }],
    });
    const { gateway, lastSeen } = await start({}, { request: [policy] });
    const authorization = `Bearer ${tokenOf({ sub: 'ann' })}`;
    const forged = { authorization, 'x-user': 'root', X_User: 'root', connection: 'x-user' };
    expect((await ask({ port: gateway.port, path: '/orders', headers: forged })).status).toBe(200);
    expect(lastSeen().headers['x-user']).toBe('ann');
    expect(lastSeen().headers).not.toHaveProperty('x_user');
    const nobody = { authorization: `Bearer ${tokenOf({})}`, 'x-user': 'root' };
    expect((await ask({ port: gateway.port, path: '/orders', headers: nobody })).status).toBe(200);
    expect(lastSeen().headers).not.toHaveProperty('x-user');
  });

  it('keep names, order and repetitions of the rest', async () => {
    const { gateway, lastSeen } = await start();
    await askRaw(
      gateway.port,
      'GET /orders HTTP/1.1\r\nHost: a\r\nX-B: 1\r\nCookie: a=b\r\nx-a: 2\r\nX-B: 3\r\nConnection: close\r\n\r\n',
    );
    const raw = lastSeen().rawHeaders;
    const kept = raw.flatMap((name, at) =>
      at % 2 === 0 && /^(x-[ab]|cookie)$/i.test(name) ? [name, raw[at + 1]] : [],
    );
    expect(kept).toEqual(['X-B', '1', 'Cookie', 'a=b', 'x-a', '2', 'X-B', '3']);
  });
});

describe('headers on the way back', () => {
  it('lose what concerns one connection and keep two Set-Cookie lines', async () => {
    const { gateway } = await start({}, {}, [
      'Connection',
      'x-hop',
      'X-Hop',
      '1',
      'Proxy-Authenticate',
      'Basic',
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'apinizer-correlation-id',
      'of the upstream',
    ]);
    const { headers } = await ask({ port: gateway.port, path: '/orders' });
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(headers.via).toBe('1.1 gatewarden');
    expect(headers).not.toHaveProperty('x-hop');
    expect(headers).not.toHaveProperty('proxy-authenticate');
    expect(headers['apinizer-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});
