import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { printAddresses, printWalk, shellWord, withoutCredentials, type GuideFacts } from './printed-guide.ts';

const facts: GuideFacts = {
  controlPlaneUrl: 'http://127.0.0.1:3000',
  gatewayUrls: ['http://127.0.0.1:8080', 'http://127.0.0.1:8081'],
  adminUrls: ['http://127.0.0.1:9090', 'http://127.0.0.1:9091'],
  upstreamUrl: 'http://127.0.0.1:4000',
  redisUrl: 'redis://:hunter2@127.0.0.1:6400',
  dataDir: "/home/o'neill/my data",
  adminTokenFile: "/home/o'neill/my data/control-plane/admin-token",
};
const demo = { clientSecret: 'c-secret', userPassword: 'u_password', partnerToken: 'a.b.c' };

const commandsOf = (walk: string): string[] => walk.split('\n').filter((line) => /^(curl|[A-Z]+=)/.test(line));

describe('the printed lines', () => {
  it('are commands that a shell can read, each on one line', () => {
    const commands = commandsOf(printWalk(facts, demo));
    expect(commands).toHaveLength(12);
    const read = spawnSync('sh', ['-n'], { input: commands.join('\n'), encoding: 'utf8' });
    expect(read.stderr).toBe('');
    expect(read.status).toBe(0);
  });

  it('take both tokens out of an answer without further programs', () => {
    const take = commandsOf(printWalk(facts, demo))
      .filter((line) => /^(TOKEN|REFRESH)=/.test(line))
      .slice(0, 2);
    const answer = '{"access_token":"aa.bb.cc","token_type":"Bearer","expires_in":3600,"refresh_token":"t.r-_"}';
    const script = `ANSWER='${answer}'\n${take.join('\n')}\nprintf '%s %s' "$TOKEN" "$REFRESH"`;
    expect(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout).toBe('aa.bb.cc t.r-_');
  });

  it('name the page where the calls can be tried', () => {
    expect(printAddresses(facts)).toContain('http://127.0.0.1:3000/apiops/docs');
  });

  it("never show the administrator's token or a password of Redis", () => {
    const shown = `${printAddresses(facts)}${printWalk(facts, demo)}`;
    expect(shown).toContain('$(cat ');
    expect(shown).not.toContain('hunter2');
  });
});

describe('a word for the shell', () => {
  it.each(['plain', '', "o'neill", '$HOME `id` "x"', 'a b', 'back\\slash', '{"a":1}', '!x'])(
    'keeps %j as it is',
    (text) => {
      expect(spawnSync('sh', ['-c', `printf '%s' ${shellWord(text)}`], { encoding: 'utf8' }).stdout).toBe(text);
    },
  );
});

describe('an address to show', () => {
  it.each([
    ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
    ['rediss://user:hunter2@redis.example:6380/2', 'rediss://user:***@redis.example:6380/2'],
    ['sentinel,of:hunter2@some', 'as given in REDIS_URL'],
  ])('%s → %s', (address, shown) => {
    expect(withoutCredentials(address)).toBe(shown);
  });
});
