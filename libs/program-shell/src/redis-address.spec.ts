import { parseRedisUrl, redisAddress } from './redis-address.ts';

describe('a Redis address', () => {
  it.each([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0 }],
    ['redis://127.0.0.1:7000/', { host: '127.0.0.1', port: 7000, db: 0 }],
    ['redis://[::1]:7000/15', { host: '::1', port: 7000, db: 15 }],
    ['redis://:p%40ss@r.example', { host: 'r.example', port: 6379, db: 0, password: 'p@ss' }],
    [
      'rediss://app:secret@r.example/2',
      { host: 'r.example', port: 6379, db: 2, username: 'app', password: 'secret', tls: {} },
    ],
  ])('reads %s', (text, address) => {
    expect(parseRedisUrl(text)).toEqual(address);
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
    'redis://localhost?db=1',
    'redis://localhost#1',
    'redis://localhost:99999',
  ])('is not %j', (text) => {
    expect(parseRedisUrl(text)).toBeUndefined();
  });

  it('is not repeated in the error when it was not checked', () => {
    expect(() => redisAddress('redis://:hunter2@localhost/x')).toThrow(RangeError);
    expect(() => redisAddress('redis://:hunter2@localhost/x')).not.toThrow(/hunter2/);
  });
});
