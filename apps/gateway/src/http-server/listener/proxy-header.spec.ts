import { readProxyHeader } from './proxy-header.ts';

const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const v2 = (command: number, family: number, rest: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(rest.length);
  return Buffer.concat([V2_START, Buffer.from([command, family]), length, rest]);
};
const IPV4 = Buffer.from([203, 0, 113, 9, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb]);
const IPV6 = Buffer.concat([Buffer.from('20010db8000000000000000000000007', 'hex'), Buffer.alloc(20)]);
const TLV = Buffer.from([4, 0, 3, 0, 0, 0]);

const WHOLE: readonly (readonly [string, Buffer, string | undefined])[] = [
  ['v1 TCP4', Buffer.from('PROXY TCP4 203.0.113.9 10.0.0.1 12345 443\r\n'), '203.0.113.9'],
  ['v1 TCP6', Buffer.from('PROXY TCP6 2001:DB8:0::7 ::1 12345 443\r\n'), '2001:db8::7'],
  ['v1 TCP6 of a mapped address', Buffer.from('PROXY TCP6 ::ffff:203.0.113.9 ::1 1 2\r\n'), '203.0.113.9'],
  ['v1 UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  ['v1 UNKNOWN with more', Buffer.from('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'), undefined],
  ['v2 TCP4', v2(0x21, 0x11, IPV4), '203.0.113.9'],
  ['v2 TCP4 with more', v2(0x21, 0x11, Buffer.concat([IPV4, TLV])), '203.0.113.9'],
  ['v2 TCP6', v2(0x21, 0x21, IPV6), '2001:db8::7'],
  ['v2 LOCAL', v2(0x20, 0x11, IPV4), undefined],
  ['v2 of a Unix socket', v2(0x21, 0x31, Buffer.alloc(216)), undefined],
];

const BROKEN: readonly (readonly [string, string | Buffer])[] = [
  ['HTTP', 'GET / HTTP/1.1\r\n'],
  ['another protocol name', 'PROXY UDP4 1.1.1.1 1.1.1.1 1 2\r\n'],
  ['an address that is none', 'PROXY TCP4 1.1.1.256 1.1.1.1 1 2\r\n'],
  ['an address of the other family', 'PROXY TCP4 ::1 ::1 1 2\r\n'],
  ['a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n'],
  ['a port that is none', 'PROXY TCP4 1.1.1.1 1.1.1.1 65536 2\r\n'],
  ['a missing port', 'PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n'],
  ['two blanks', 'PROXY TCP4  1.1.1.1 1.1.1.1 1 2\r\n'],
  ['a line without an end', `PROXY TCP4 ${'1'.repeat(100)}`],
  ['another version', v2(0x31, 0x11, IPV4)],
  ['another command', v2(0x22, 0x11, IPV4)],
  ['too few bytes of addresses', v2(0x21, 0x21, IPV4)],
  ['too many bytes', v2(0x21, 0x11, Buffer.alloc(5_000))],
];

describe('a PROXY header', () => {
  it.each(WHOLE)('%s is read to its end, whatever follows, and not before', (_what, bytes, source) => {
    const found = readProxyHeader(Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n')]));
    expect(found).toEqual({ kind: 'complete', lengthBytes: bytes.length, source });
    for (let end = 0; end < bytes.length; end += 1) {
      expect(readProxyHeader(bytes.subarray(0, end))).toEqual({ kind: 'incomplete' });
    }
  });

  it.each(BROKEN)('of %s is refused', (_what, bytes) => {
    expect(readProxyHeader(Buffer.from(bytes as Buffer)).kind).toBe('broken');
  });
});
