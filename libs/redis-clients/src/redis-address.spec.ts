import { parseRedisUrl, REDIS_URL_FORM, redisAddress } from './redis-address.ts';

const single = (host: string, port: number, db: number, more = {}) => ({
  ...{ kind: 'single', node: { host, port }, db, isEncrypted: false },
  ...more,
});
const node = (host: string, port: number) => ({ host, port });

describe('the address of one Redis', () => {
  it.each([
    ['redis://localhost', single('localhost', 6379, 0)],
    ['redis://127.0.0.1:7000/', single('127.0.0.1', 7000, 0)],
    ['redis://[::1]:7000/15', single('::1', 7000, 15)],
    ['redis://:p%40ss@r.example', single('r.example', 6379, 0, { password: 'p@ss' })],
    ['redis://:p@ss@r.example', single('r.example', 6379, 0, { password: 'p@ss' })],
    ['redis://:a:b,c@r.example', single('r.example', 6379, 0, { password: 'a:b,c' })],
    [
      'rediss://app:secret@r.example/2',
      single('r.example', 6379, 2, { username: 'app', password: 'secret', isEncrypted: true }),
    ],
  ])('is read from %s', (text, address) => {
    expect(parseRedisUrl(text)).toEqual(address);
  });
});

describe('the address of Sentinels', () => {
  it.each([
    [
      'redis-sentinel://a.example,b.example:5000,[::1]:5001/3?master=main',
      {
        ...{ kind: 'sentinel', master: 'main', db: 3, isEncrypted: false },
        sentinels: [node('a.example', 26_379), node('b.example', 5000), node('::1', 5001)],
      },
    ],
    [
      'rediss-sentinel://app:s%2Fcret@a?sentinelPassword=p%26w&sentinelUser=watch&master=main%201',
      {
        ...{ kind: 'sentinel', master: 'main 1', db: 0, isEncrypted: true, username: 'app', password: 's/cret' },
        ...{ sentinels: [node('a', 26_379)], sentinelUsername: 'watch', sentinelPassword: 'p&w' },
      },
    ],
  ])('is read from %s', (text, address) => {
    expect(parseRedisUrl(text)).toEqual(address);
  });
});

describe('the address of a cluster', () => {
  it.each([
    [
      'redis-cluster://:pw@a:7000,b',
      { kind: 'cluster', nodes: [node('a', 7000), node('b', 6379)], isEncrypted: false, password: 'pw' },
    ],
    ['rediss-cluster://[fe80::1]:7000/', { kind: 'cluster', nodes: [node('fe80::1', 7000)], isEncrypted: true }],
  ])('is read from %s', (text, address) => {
    expect(parseRedisUrl(text)).toEqual(address);
  });
});

it.each([
  '',
  'localhost:6379',
  'http://localhost',
  'redis://',
  'redis:///1',
  'redis://localhost/notadb',
  'redis://localhost/1/2',
  'redis://localhost/-1',
  'redis://localhost/123456',
  'redis://:a%ZZb@localhost',
  'redis://app@localhost',
  'redis://app:@localhost',
  'redis-sentinel://app@a:1?master=m',
  'redis-cluster://app@a:1',
  'redis://localhost?db=1',
  'redis://localhost#1',
  'redis://localhost:99999',
  'redis://localhost:0',
  'redis://localhost:',
  'redis://local host',
  'redis://a,b',
  'redis://a:1,b:2',
  'redis://::1',
  'redis://[::g]',
  'redis://[1.2.3.4]',
  'redis://loc%61lhost',
  'redis-sentinel://a:1',
  'redis-sentinel://a:1?master=',
  'redis-sentinel://a:1?master=%ZZ',
  'redis-sentinel://a:1?master=m&master=m',
  'redis-sentinel://a:1?master=m&db=1',
  'redis-sentinel://a:1?master=m&sentinelUser=u',
  'redis-sentinel://a:1?master=m&',
  'redis-sentinel://a:1,?master=m',
  'redis-sentinel://?master=m',
  'redis+sentinel://a:1?master=m',
  'redis-cluster://a:1,,b:2',
  'redis-cluster://a:1/1',
  'redis-cluster://a:1?master=m',
  `redis-cluster://${Array.from({ length: 101 }, (_, index) => `n${index}`).join(',')}`,
])('%j is no address of a Redis', (text) => {
  expect(parseRedisUrl(text)).toBeUndefined();
});

it('an address that was not checked is not repeated in the error, which names the forms', () => {
  expect(() => redisAddress('redis://:hunter2@localhost/x')).toThrow(RangeError);
  expect(() => redisAddress('redis://:hunter2@localhost/x')).toThrow(REDIS_URL_FORM);
  expect(() => redisAddress('redis://:hunter2@localhost/x')).not.toThrow(/hunter2/);
});
