import { once } from 'node:events';
import { RedisConfigChannel } from '#libs/config-distribution';
import { SettingsReader } from '#libs/program-shell';
import type { RedisClient } from '#libs/redis-clients';
import { RedisSentinels, type SentinelsWishes } from '../../../test/support/redis-sentinels.ts';
import { until } from '../../../test/support/until.ts';
import { connectOnce, createEnvironmentRedis } from './config-subscriber/environment-redis.ts';

const ENVIRONMENT = 'production';
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

/** A busy machine may take longer than a Sentinel is waited for: it is asked again then. Who is let in wrongly fails at once. */
async function expectAnswer(expected: RegExp, url: string, settings?: Readonly<Record<string, string>>): Promise<void> {
  let answer = '';
  await until(`the answer is ${expected}`, async () => {
    answer = await firstAnswer(url, settings);
    return answer === 'PONG' || expected.test(answer) || Promise.reject(new Error(answer));
  });
  expect(answer).toMatch(expected);
}

/** A channel is written and heard before the master dies, and goes on at the one that the Sentinels choose. */
async function expectFollowed(sentinels: RedisSentinels): Promise<void> {
  const users = ['control-plane', `gateway-${ENVIRONMENT}`];
  const clients = users.map((user) => clientOf(sentinels.urlOf(user), sentinels.certificates?.clientSettings()));
  for (const redis of clients) await connectOnce(redis);
  const [published, followed] = clients.map((redis) => new RedisConfigChannel(redis, ENVIRONMENT));
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
  await until('the next one is published', async () => publish(2));
  await until('the gateway hears of that too', async () => hints > heard);
  expect(await followed?.recordsAfter(0, 10)).toHaveLength(2);
  await watch?.close();
  for (const redis of clients) redis.disconnect();
}

describe('Sentinels and data servers that speak TLS, by names', () => {
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
    await expectAnswer(/^PONG$/, url, settings);
  });

  it('are not spoken to by who trusts one of them only, or none', async () => {
    await expectAnswer(/All sentinels are unreachable/, url, trusting('data'));
    await expectAnswer(/^self-signed certificate/, url, trusting('sentinels'));
    await expectAnswer(/All sentinels are unreachable/, url, {});
  });

  it('let nobody in without a certificate, or in clear', async () => {
    const { REDIS_CA_FILE = '' } = settings;
    await expectAnswer(/All sentinels are unreachable/, url, { REDIS_CA_FILE });
    await expectAnswer(/All sentinels are unreachable/, url.replace('rediss-', 'redis-'));
    const signIn = sentinels.users.signIn('control-plane');
    const place = `${signIn}localhost:${await sentinels.masterPort()}`;
    await expectAnswer(/^PONG$/, `rediss://${place}`, settings);
    await expectAnswer(/closed|ECONNRESET|EPIPE/i, `redis://${place}`);
  });

  it.each([
    [
      'sentinelPassword',
      /sentinelPassword=[^&]*/,
      'sentinelPassword=wrong',
      /All sentinels are unreachable.*WRONGPASS/,
    ],
    ['sentinelUser', /sentinelUser=[^&]*/, 'sentinelUser=nobody', /All sentinels are unreachable.*WRONGPASS/],
    ['password of the data servers', /\/\/control-plane:[^@]*/, '//control-plane:wrong', /WRONGPASS/],
  ])('refuse a wrong %s', async (_what, part, wrong, answer) => {
    expect(url).toMatch(part);
    await expectAnswer(answer, url.replace(part, wrong), settings);
  });

  it('are not spoken to under an address that their certificates do not hold', async () => {
    await sentinels.announceNames('no');
    await expectAnswer(/IP: 127\.0\.0\.1 is not in the cert/, url, settings);
    await sentinels.announceNames('yes');
    await expectAnswer(/^PONG$/, url, settings);
  });

  it('are spoken to, heard, and followed to the master that they choose', () => expectFollowed(sentinels));
});

describe.each<[string, SentinelsWishes]>([
  ['in clear', {}],
  ['with TLS, by addresses', { host: '127.0.0.1', isEncrypted: true }],
])('a master behind Sentinels, all of them %s', (_form, wishes) => {
  let sentinels: RedisSentinels;
  beforeAll(async () => {
    sentinels = await RedisSentinels.start(wishes);
  });
  afterAll(() => sentinels?.stop());

  it('is spoken to, heard, and followed to the one that they choose', () => expectFollowed(sentinels));
});
