import type { ClientFacts } from './client-facts.ts';
import { HeaderScan } from './header-scan.ts';
import { upstreamHeaders, visibleQuery } from './upstream-headers.ts';

const CLIENT: ClientFacts = {
  peerAddress: '192.0.2.1',
  clientAddress: '192.0.2.1',
  scheme: 'http',
  correlationId: 'id',
  isPeerTrusted: false,
  forwardedFor: '192.0.2.1',
  forwardedProto: 'http',
  forwardedHost: '',
  forwarded: '',
};
const OWN = ['X-Forwarded-For', '192.0.2.1', 'X-Forwarded-Proto', 'http', 'Via', '1.1 gatewarden'];
const OWN_LAST = ['APINIZER-CORRELATION-ID', 'id'];

function sent(
  raw: readonly string[],
  overrides: ReadonlyMap<string, string | undefined>,
  isBodyHeld = false,
): string[] {
  const head = {
    method: 'GET',
    path: '/',
    queryString: '',
    host: '',
    hostName: '',
    headers: new HeaderScan(raw),
    hasBody: false,
    contentLengthBytes: undefined,
  };
  return upstreamHeaders({ head, httpVersion: '1.1', client: CLIENT, overrides, isBodyHeld });
}

describe('headers for the upstream', () => {
  it('have what a policy set or removed instead of any spelling that a server could take for it', () => {
    const overrides = new Map([
      ['x_user', 'ann'],
      ['x-role', undefined],
    ]);
    const raw = ['X-User', 'root', 'x_user', 'root', 'X_Role', 'admin', 'X-Role', 'admin', 'X_Other', '1'];
    expect(sent(raw, overrides)).toEqual(['X_Other', '1', 'x_user', 'ann', ...OWN, ...OWN_LAST]);
  });

  it('leave framing and host to the connection, whatever a policy or Connection says', () => {
    const overrides = new Map([
      ['content-length', '9'],
      ['transfer-encoding', 'chunked'],
      ['host', 'evil.test'],
      ['connection', 'upgrade'],
    ]);
    const raw = ['Content-Length', '5', 'Connection', 'content-length, close'];
    expect(sent(raw, overrides)).toEqual(['Content-Length', '5', ...OWN, ...OWN_LAST]);
    expect(sent(raw, overrides, true)).toEqual([...OWN, ...OWN_LAST]);
  });
});

describe('the query for the upstream', () => {
  it.each([
    ['a=1&access_token=t&b=2', 'a=1&b=2'],
    ['access%5ftoken=t&access_token&a', 'a'],
    ['access_token=t', ''],
    ['a=access_token&%zz=1', 'a=access_token&%zz=1'],
  ])('of %s is %s without the hidden parameter', (query, visible) => {
    expect(visibleQuery(query, new Set(['access_token']))).toBe(visible);
  });

  it('is untouched when nothing is hidden', () => {
    expect(visibleQuery('a=1&&b=+', new Set())).toBe('a=1&&b=+');
  });
});
