import type { LookupFunction } from 'node:net';
import { AddressGuard } from './address-guard.ts';

describe('an address guard', () => {
  const guard = new AddressGuard(undefined);

  it.each([
    '169.254.0.1',
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fd00:ec2::254',
    '168.63.129.16',
    'metadata.google.internal',
    'Metadata.Google.Internal.',
  ])('refuses %s', (host) => {
    expect(guard.refuses(host, 80)).toBe(true);
  });

  it.each([
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    'fd00::1',
    'fec0::1',
    '169.253.1.1',
    'shop.test',
  ])('lets %s pass', (host) => {
    expect(guard.refuses(host, 80)).toBe(false);
  });

  it('knows the admin endpoints of a loopback address by every loopback address, on their port only', () => {
    const own = new AddressGuard({ host: '127.0.0.1', port: 9090 });
    const loopback = ['127.0.0.1', '127.0.0.2', '::1', '0.0.0.0', '::', '::ffff:127.0.0.1'];
    expect(loopback.filter((host) => !own.refuses(host, 9090))).toEqual([]);
    expect(loopback.filter((host) => own.refuses(host, 9091))).toEqual([]);
    expect(own.refuses('10.0.0.1', 9090)).toBe(false);
  });

  it('knows the admin endpoints of one interface, and of all of them', () => {
    const one = new AddressGuard({ host: '10.0.0.5', port: 9090 });
    const all = new AddressGuard({ host: '::', port: 9090 });
    expect([one.refuses('10.0.0.5', 9090), one.refuses('10.0.0.6', 9090)]).toEqual([true, false]);
    expect([all.refuses('127.0.0.1', 9090), all.refuses('::1', 9090), all.refuses('192.0.2.1', 9090)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('a guarded lookup', () => {
  const answering =
    (...addresses: readonly string[]): LookupFunction =>
    (_hostname, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );

  const resolve = (lookup: LookupFunction, all: boolean) =>
    new Promise<unknown>((done) =>
      lookup('name.test', { all }, (error, address, family) =>
        done(error === null ? (family === undefined ? address : [address, family]) : Reflect.get(error, 'code')),
      ),
    );

  it('gives all addresses or the first, as it was asked to', async () => {
    const lookup = new AddressGuard(undefined, answering('10.0.0.1', 'fd00::1')).lookupFor(80);
    expect(await resolve(lookup, true)).toEqual([
      { address: '10.0.0.1', family: 4 },
      { address: 'fd00::1', family: 6 },
    ]);
    expect(await resolve(lookup, false)).toEqual(['10.0.0.1', 4]);
  });

  it('fails when one address of several is refused, and when there is none', async () => {
    const mixed = new AddressGuard(undefined, answering('10.0.0.1', '169.254.169.254')).lookupFor(80);
    const none = new AddressGuard(undefined, answering()).lookupFor(80);
    expect(await resolve(mixed, true)).toBe('UPSTREAM_FORBIDDEN');
    expect(await resolve(none, true)).toBe('ENOTFOUND');
  });
});
