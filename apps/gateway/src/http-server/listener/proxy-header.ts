import { isIP, SocketAddress } from 'node:net';
import { plainAddress } from '#libs/client-addresses';

/** What the first bytes of a connection are of the PROXY protocol (haproxy.org, proxy-protocol.txt, versions 1 and 2). */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'broken'; readonly reason: string }
  /** `source` undefined: the balancer speaks for itself (LOCAL, UNKNOWN), the connection's own address counts. */
  | { readonly kind: 'complete'; readonly lengthBytes: number; readonly source: string | undefined };

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const broken = (reason: string): ProxyHeader => ({ kind: 'broken', reason });

const V1_START = Buffer.from('PROXY ');
/** Section 2.1: with its CRLF. */
const V1_LONGEST_BYTES = 107;
const V1_LINE = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/;

const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;
/** The addresses and whatever a balancer adds to them; the protocol's own limit is 64 KiB. */
const V2_LONGEST_REST_BYTES = 4_096;
const V2_COMMANDS = { LOCAL: 0, PROXY: 1 } as const;
/** Address family and transport, high and low half of a byte; bytes of both addresses and ports. */
const TCP4 = { code: 0x11, addressBytes: 4, restBytes: 12 } as const;
const TCP6 = { code: 0x21, addressBytes: 16, restBytes: 36 } as const;

const startsLike = (bytes: Buffer, start: Buffer): boolean => {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
};

/** Reads the header at the start of `bytes`; what follows it is not looked at. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return INCOMPLETE;
  if (startsLike(bytes, V1_START)) return readVersion1(bytes);
  if (startsLike(bytes, V2_START)) return readVersion2(bytes);
  return broken('no PROXY header');
}

function readVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_LONGEST_BYTES).indexOf('\r\n');
  if (end === -1) return bytes.length >= V1_LONGEST_BYTES ? broken('line too long') : INCOMPLETE;
  const line = bytes.toString('latin1', 0, end);
  const lengthBytes = end + 2;
  // Section 2.1: whatever follows UNKNOWN is not to be looked at.
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) {
    return { kind: 'complete', lengthBytes, source: undefined };
  }
  const source = sourceInLine(line);
  return source === undefined ? broken('malformed line') : { kind: 'complete', lengthBytes, source };
}

/** Undefined: the line is not of the form. */
function sourceInLine(line: string): string | undefined {
  const [, family, source = '', destination = '', ...ports] = V1_LINE.exec(line) ?? [];
  const version = family === 'TCP6' ? 6 : 4;
  const areAddresses = isIP(source) === version && isIP(destination) === version && !source.includes('%');
  return areAddresses && ports.every((port) => Number(port) <= 65_535) ? spelled(source, version) : undefined;
}

function readVersion2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED_BYTES) return INCOMPLETE;
  const [version, command] = [bytes.readUInt8(12) >> 4, bytes.readUInt8(12) & 0x0f];
  if (version !== 2) return broken('unknown version');
  if (command !== V2_COMMANDS.LOCAL && command !== V2_COMMANDS.PROXY) return broken('unknown command');
  const restBytes = bytes.readUInt16BE(14);
  if (restBytes > V2_LONGEST_REST_BYTES) return broken('header too long');
  const lengthBytes = V2_FIXED_BYTES + restBytes;
  if (bytes.length < lengthBytes) return INCOMPLETE;
  if (command === V2_COMMANDS.LOCAL) return { kind: 'complete', lengthBytes, source: undefined };
  const family = [TCP4, TCP6].find(({ code }) => code === bytes.readUInt8(13));
  // Section 2.2: other families are read over, and the connection's own address counts.
  if (family === undefined) return { kind: 'complete', lengthBytes, source: undefined };
  if (restBytes < family.restBytes) return broken('addresses cut off');
  const address = bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + family.addressBytes);
  return { kind: 'complete', lengthBytes, source: family === TCP4 ? address.join('.') : spelled6(address) };
}

const spelled6 = (address: Buffer): string => {
  const groups = Array.from({ length: 8 }, (_, at) => address.readUInt16BE(2 * at).toString(16));
  return spelled(groups.join(':'), 6);
};

/** In the one spelling that lists and counters know. */
const spelled = (address: string, version: 4 | 6): string =>
  version === 4 ? address : plainAddress(new SocketAddress({ address, family: 'ipv6' }).address);
