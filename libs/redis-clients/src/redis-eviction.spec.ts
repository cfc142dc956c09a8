import { EventEmitter } from 'node:events';
import { evictionPolicyIn, watchEviction } from './redis-eviction.ts';

const infoWith = (policy: string): string =>
  `# Memory\r\nused_memory:1\r\nmaxmemory_policy:${policy}\r\nallocator_frag_ratio:1.4\r\n`;

it.each([
  ['noeviction', undefined],
  ['allkeys-lru', 'allkeys-lru'],
  ['volatile-ttl', 'volatile-ttl'],
])('a Redis with %s throws keys away by %s', (policy, evicts) => {
  expect(evictionPolicyIn(infoWith(policy))).toBe(evicts);
});

it('a Redis that does not say throws none away', () => {
  expect(evictionPolicyIn('# Memory\r\nused_memory:1\r\n')).toBeUndefined();
});

describe('a connection that is watched', () => {
  const watched = (answer: () => Promise<string>) => {
    const said: string[] = [];
    const redis = Object.assign(new EventEmitter(), { info: answer });
    watchEviction(redis, (policy) => said.push(policy));
    return { redis, said };
  };

  it('says so whenever it stands', async () => {
    const { redis, said } = watched(async () => infoWith('volatile-lru'));
    expect(said).toEqual([]);
    redis.emit('ready');
    await new Promise(setImmediate);
    redis.emit('ready');
    await new Promise(setImmediate);
    expect(said).toEqual(['volatile-lru', 'volatile-lru']);
  });

  it('says nothing where the server may not be asked', async () => {
    const { redis, said } = watched(() => Promise.reject(new Error('NOPERM')));
    redis.emit('ready');
    await new Promise(setImmediate);
    expect(said).toEqual([]);
  });
});
