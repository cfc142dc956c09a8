import fc from 'fast-check';
import { forwardedHops, ownHop } from './forwarded.ts';

const hop = (node: string | undefined, host?: string, proto?: string) => ({ for: node, host, proto });

describe('Forwarded', () => {
  it.each([
    // The examples of RFC 7239 section 4.
    ['for="_gazonk"', [hop('_gazonk')]],
    ['For="[2001:db8:cafe::17]:4711"', [hop('[2001:db8:cafe::17]:4711')]],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', [hop('192.0.2.60', undefined, 'http')]],
    ['for=192.0.2.43, for=198.51.100.17', [hop('192.0.2.43'), hop('198.51.100.17')]],
    [
      'for=192.0.2.43, for="[2001:db8:cafe::17]";host=a.test',
      [hop('192.0.2.43'), hop('[2001:db8:cafe::17]', 'a.test')],
    ],
    ['for="a\\"b,;c"', [hop('a"b,;c')]],
    [', for=a ,', [hop('a')]],
    ['', []],
  ])('%s is read', (value, hops) => {
    expect(forwardedHops(value)).toEqual(hops);
  });

  it.each(['for', 'for=', 'for=a b', 'for=[::1]', 'for="a', 'for=a;for=b', '=a', 'for=a/b'])('%s is none', (value) => {
    expect(forwardedHops(value)).toBeUndefined();
  });

  it('written here is read as what it means, whatever stands before it', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab1.:[]";,=\\ -') });
    fc.assert(
      fc.property(fc.constantFrom('192.0.2.1', '2001:db8::1'), text, text, (address, host, before) => {
        const own = hop(address.includes(':') ? `[${address}]` : address, host === '' ? undefined : host, 'https');
        const earlier = forwardedHops(before);
        expect(forwardedHops(ownHop(address, host, 'https'))).toEqual([own]);
        if (earlier === undefined) return;
        expect(forwardedHops(`${before}, ${ownHop(address, host, 'https')}`)).toEqual([...earlier, own]);
      }),
    );
  });
});
