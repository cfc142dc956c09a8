/**
 * Hosts that an address may name and that are never contacted without JWKS_ALLOW_PRIVATE_HOSTS: every spelling that a URL
 * or a resolver understands (WHATWG URL, host parsing; inet_aton).
 */
export const FORBIDDEN_HOSTS = {
  'loopback, dotted': ['127.0.0.1', '127.255.255.254', '127.0.0.1.', '127.1', '127.0.1'],
  'loopback, as one number': ['2130706433', '0x7f000001', '0X7F000001', '017700000001'],
  'loopback, octal or hexadecimal parts': ['0177.0.0.1', '0x7f.0.0.1', '0x7f.1', '0177.0x0.0.01'],
  'loopback, in other characters': ['１２７.0.0.1', '127。0。0。1', '①②⑦.0.0.1', '%31%32%37.0.0.1'],
  unspecified: ['0', '0.0.0.0', '0x0', '[::]'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '0xc0a80101', '100.64.0.1'],
  'link-local, metadata services': ['169.254.169.254', '169.254.169.254.', '0xa9fea9fe', '2852039166'],
  'metadata services, octal or elsewhere': ['0251.0376.0251.0376', '100.100.100.200', '192.0.0.192'],
  'metadata services by name': ['metadata.google.internal', 'METADATA.Google.internal', 'metadata.google.internal.'],
  'metadata services by short name': ['metadata.goog'],
  'multicast, reserved, broadcast': ['224.0.0.1', '240.0.0.1', '255.255.255.255', '198.18.0.1', '192.0.2.1'],
  'IPv6 loopback': ['[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]'],
  'IPv4 mapped into IPv6': ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::FFFF:169.254.169.254]', '[::ffff:10.0.0.1]'],
  'IPv4 compatible': ['[::127.0.0.1]', '[::a9fe:a9fe]'],
  'NAT64 (RFC 6052, RFC 8215)': ['[64:ff9b::127.0.0.1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::7f00:1]'],
  '6to4, Teredo': ['[2002:7f00:1::]', '[2002:a9fe:a9fe::1]', '[2001::1]'],
  'IPv6 link-local, site-local, unique-local': ['[fe80::1]', '[febf::1]', '[fec0::1]', '[fc00::1]', '[fd00::1]'],
  'IPv6 metadata, multicast, documentation': ['[fd00:ec2::254]', '[ff02::1]', '[2001:db8::1]', '[3fff::1]'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What is no address of a key set, wherever it would lead. */
export const NO_ADDRESSES = [
  ...['', 'idp.test/jwks', '//idp.test/jwks', 'https://', 'https://256.0.0.1/', 'https://0x100000000/'],
  ...['https://[fe80::1%25eth0]/', 'https://[fe80::1%eth0]/', 'https://[::1/', 'https://127.0.0.1:99999/'],
  ...[
    'https://user:word@idp.test/',
    'https://user@idp.test/',
    'https://idp.test@127.0.0.1/',
    'https://:word@idp.test/',
  ],
  ...['ftp://idp.test/', 'file:///etc/passwd', 'data:,{}', 'gopher://127.0.0.1:70/', 'javascript:0', 'ws://idp.test/'],
] as const;

/** What a name may lead to, one address of several being enough. */
export const FORBIDDEN_ANSWERS: readonly (readonly string[])[] = [
  ...[['127.0.0.1'], ['10.1.2.3'], ['172.16.0.1'], ['192.168.0.1'], ['100.64.0.1'], ['0.0.0.0'], ['169.254.169.254']],
  ...[['::1'], ['::'], ['::ffff:127.0.0.1'], ['64:ff9b::a9fe:a9fe'], ['2002:7f00:1::'], ['fd00::1'], ['fe80::1%eth0']],
  ...[
    ['8.8.8.8', '127.0.0.1'],
    ['127.0.0.1', '8.8.8.8'],
    ['2606:4700::1111', '::1'],
    ['8.8.8.8', 'fd00::1'],
  ],
];
