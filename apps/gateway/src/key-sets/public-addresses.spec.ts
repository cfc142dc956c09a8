import { isPublicAddress } from './public-addresses.ts';

describe('an address is not public when it is', () => {
  it.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
    ['private (RFC 1918)', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1']],
    ['unique-local', ['fc00::1', 'fd12:3456::1', 'fd00:ec2::254']],
    ['link-local', ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1']],
    ['shared by a carrier (RFC 6598)', ['100.64.0.1', '100.127.255.255', '100.100.100.200']],
    ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1']],
    ['reserved or broadcast', ['240.0.0.1', '255.255.255.255', '192.0.0.192', '198.18.0.1', '198.19.255.255']],
    ['for documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
    ['IPv4 mapped into IPv6', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:8.8.8.8']],
    ['IPv4 compatible', ['::127.0.0.1', '::7f00:1', '::a9fe:a9fe']],
    ['IPv4 translated (RFC 6052, RFC 8215)', ['64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1']],
    ['6to4 or its relay', ['2002:7f00:1::', '2002:a9fe:a9fe::1', '192.88.99.1']],
    ['Teredo', ['2001::1', '2001:0:7f00:1::']],
    ['site-local', ['fec0::1']],
    ['no address', ['', 'localhost', '127.1', '2130706433', '0x7f.0.0.1', '[::1]']],
  ])('%s', (_what, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });

  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '169.253.1.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450::1',
    '2001:4860:4860::8888',
  ])('and %s is', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});
