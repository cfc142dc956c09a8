import { plainAddress } from './address-list.ts';
import { InvalidTrustedProxy, TrustedProxies } from './trusted-proxies.ts';

describe('trusted proxies', () => {
  const trusted = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);

  it('are those of the list, by address or network', () => {
    const asked = ['10.1.2.3', '192.0.2.7', '2001:db8::9', '192.0.2.8', '11.0.0.1', '', 'unknown'];
    expect(asked.filter((address) => trusted.trusts(address))).toEqual(['10.1.2.3', '192.0.2.7', '2001:db8::9']);
  });

  it.each([
    ['203.0.113.9', '6.6.6.6', '203.0.113.9'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '6.6.6.6, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', '6.6.6.6, nonsense, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '::FFFF:c633:6401', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1:54321, 10.0.0.2:443', '198.51.100.1'],
    ['10.0.0.1', '[2001:DB9:0::1]:54321', '2001:db9::1'],
    ['10.0.0.1', '2001:DB9:0:0::1%eth0', '2001:db9::1'],
    ['10.0.0.1', '[198.51.100.1', '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1:x', '10.0.0.1'],
    ['10.0.0.1', 'unknown', '10.0.0.1'],
  ])('of peer %s with X-Forwarded-For %s make the client %s', (peer, forwardedFor, client) => {
    expect(trusted.clientOf(peer, forwardedFor)).toBe(client);
  });

  it.each(['10.0.0.0/33', '10.0.0/8', 'localhost', '10.0.0.0/', '10.0.0.0/8/9', '::/129', '10.0.0.0/-1'])(
    'cannot be %s',
    (entry) => {
      expect(() => new TrustedProxies([entry])).toThrow(InvalidTrustedProxy);
    },
  );

  it('see an IPv4 client of a dual-stack socket by its IPv4 address', () => {
    expect([plainAddress('::ffff:1.2.3.4'), plainAddress('::ffff:1')]).toEqual(['1.2.3.4', '::ffff:1']);
  });
});
