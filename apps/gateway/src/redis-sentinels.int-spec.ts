import { once } from 'node:events';
import { RedisConfigChannel } from '#libs/config-distribution';
import { SettingsReader } from '#libs/program-shell';
import type { RedisClient } from '#libs/redis-clients';
import { RedisSentinels, type SentinelsWishes } from '../../../test/support/redis-sentinels.ts';
import { until } from '../../../test/support/until.ts';
import { connectOnce, createEnvironmentRedis } from './config-subscriber/environment-redis.ts';

const ENVIRONMENT = 'production';
const FORMS: readonly [string, SentinelsWishes][] = [
  ['in clear', {}],
  ['with TLS, by name', { host: 'localhost', isEncrypted: true }],
  ['with TLS, by address', { host: '127.0.0.1', isEncrypted: true }],
];

const clientOf = (url: string, settings: Readonly<Record<string, string>> = {}): RedisClient =>
  createEnvironmentRedis(url, new SettingsReader(settings).redisTls());

/** What comes first: PONG, or why there is no connection. */
async function firstAnswer(url: string, settings?: Readonly<Record<string, string>>): Promise<string> {
  const redis = clientOf(url, settings);
  const refused = Promise.race([
    once(redis, 'error').then(([error]: unknown[]) => (error as Error).message),
    once(redis, 'close').then(() => 'closed'),
  ]);
  const answered = redis.connect().then(() => redis.ping());
  answered.catch(() => undefined);
  try {
    return await Promise.race([refused, answered.catch(() => refused)]);
  } finally {
    redis.disconnect();
  }
}

describe.each(FORMS)('a master behind Sentinels, all of them %s', (_form, wishes) => {
  let sentinels: RedisSentinels;
  const open = async (user: string): Promise<RedisClient> => {
    const redis = clientOf(sentinels.urlOf(user), sentinels.certificates?.clientSettings());
    await connectOnce(redis);
    return redis;
  };
  beforeAll(async () => {
    sentinels = await RedisSentinels.start(wishes);
  });
  afterAll(() => sentinels?.stop());

  it('is spoken to, heard, and followed to the one that the Sentinels choose', async () => {
    const [plane, gateway] = await Promise.all([open('control-plane'), open(`gateway-${ENVIRONMENT}`)]);
    const [published, followed] = [plane, gateway].map((redis) => new RedisConfigChannel(redis, ENVIRONMENT));
    let hints = 0;
    const watch = await followed?.watch('changes', () => (hints += 1));
    const publish = (deployment: number) =>
      published?.publish({ proxyId: `p${deployment}`, deployment, record: 'record', artifact: 'artifact' });
    expect((await publish(1))?.kind).toBe('published');
    await until('the gateway hears of it', async () => hints > 0);
    expect((await followed?.position())?.sequence).toBe(1);

    const before = await sentinels.masterPort();
    await sentinels.replicated();
    await sentinels.killMaster();
    await sentinels.failedOver(before);
    await until('the gateway is at the new master', async () => (await followed?.position())?.sequence === 1);
    const heard = hints;
    await until('the next one is published', async () => (await publish(2))?.kind === 'published');
    await until('the gateway hears of that too', async () => hints > heard);
    expect(await followed?.recordsAfter(0, 10)).toHaveLength(2);
    await watch?.close();
    for (const redis of [plane, gateway]) redis.disconnect();
  });
});

describe('Sentinels and data servers that speak TLS', () => {
  let sentinels: RedisSentinels;
  let url = '';
  let settings: Record<string, string> = {};
  beforeAll(async () => {
    sentinels = await RedisSentinels.start({ host: 'localhost', isEncrypted: true });
    url = sentinels.url;
    settings = sentinels.certificates?.clientSettings() ?? {};
  });
  afterAll(() => sentinels?.stop());
  const trusting = (...owners: ('data' | 'sentinels')[]) => sentinels.certificates?.clientSettings(owners);

  it('are spoken to by who trusts both, shows a certificate and has both passwords', async () => {
    expect(await firstAnswer(url, settings)).toBe('PONG');
  });

  it('are not spoken to by who trusts one of them only, or none', async () => {
    expect(await firstAnswer(url, trusting('data'))).toMatch(/All sentinels are unreachable.*self-signed certificate/);
    expect(await firstAnswer(url, trusting('sentinels'))).toMatch(/^self-signed certificate/);
    expect(await firstAnswer(url, {})).toMatch(/All sentinels are unreachable.*self-signed certificate/);
  });

  it('let nobody in without a certificate, or in clear', async () => {
    const { REDIS_CA_FILE = '' } = settings;
    expect(await firstAnswer(url, { REDIS_CA_FILE })).toMatch(/All sentinels are unreachable/);
    expect(await firstAnswer(url.replace('rediss-', 'redis-'))).toMatch(/All sentinels are unreachable/);
    const signIn = sentinels.users.signIn('control-plane');
    const place = `${signIn}localhost:${await sentinels.masterPort()}`;
    expect(await firstAnswer(`rediss://${place}`, settings)).toBe('PONG');
    expect(await firstAnswer(`redis://${place}`)).not.toBe('PONG');
  });

  it.each([
    ['sentinelPassword', /sentinelPassword=[^&]*/, 'sentinelPassword=wrong', /All sentinels are unreachable.*WRONGPASS/],
    ['sentinelUser', /sentinelUser=[^&]*/, 'sentinelUser=nobody', /All sentinels are unreachable.*WRONGPASS/],
    ['password of the data servers', /\/\/control-plane:[^@]*/, '//control-plane:wrong', /WRONGPASS/],
  ])('refuse a wrong %s', async (_what, part, wrong, answer) => {
    expect(url).toMatch(part);
    expect(await firstAnswer(url.replace(part, wrong), settings)).toMatch(answer);
  });

  it('are not spoken to under an address that their certificates do not hold', async () => {
    await sentinels.announceNames('no');
    expect(await firstAnswer(url, settings)).toMatch(/IP: 127\.0\.0\.1 is not in the cert/);
    await sentinels.announceNames('yes');
    expect(await firstAnswer(url, settings)).toBe('PONG');
  });
});
