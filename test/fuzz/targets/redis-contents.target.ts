import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import {
  ChannelUnavailable,
  ConfigFollower,
  keySetEntry,
  openKeySet,
  openKeySetAttempt,
  openLease,
  putIdentity,
  RedisConfigChannel,
  RedisKeySetShelf,
  sealKeySet,
  sealKeySetAttempt,
} from '#libs/config-distribution';
import { RedisRefreshTokenStore, RefreshTokenStoreUnavailable } from '#libs/refresh-token-store';
import { rulesWith, someSubject } from '#libs/refresh-token-store/testing';
import { RedisRevocationLedger } from '#libs/token-revocations';
import {
  artifactText,
  ENVIRONMENT,
  EnvironmentUnderTest,
  type GatewayUnderTest,
} from '../../../apps/gateway/src/config-subscriber/testing/subscriber-rig.ts';
import { ChannelIdentityDirectory } from '../../../apps/gateway/src/identity/channel-identity-directory.ts';
import { LoginThrottleUnavailable } from '../../../apps/gateway/src/token-endpoint/identity/login-throttle/login-throttle.port.ts';
import { RedisLoginThrottle } from '../../../apps/gateway/src/token-endpoint/identity/login-throttle/redis-login-throttle.ts';
import { IdentityUnavailable } from '../../../apps/gateway/src/token-endpoint/identity/identity.port.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { startOwnServers } from '../own-servers.ts';
import { allPlaces, KeptContent, spoilingOf, type RedisPlace, type Spoiling } from './spoilt-redis.ts';

/** Away from what suites that share the server keep in its first one. */
const DATABASE = 9;
const SUBJECT = { origin: 'policy', reach: 'public', address: 'https://idp.example/jwks' } as const;
const DOCUMENT = { fetchedAtMs: 1, freshForSeconds: 60, flush: 0, text: '{"keys":[]}' };
const ATTEMPT = { beganAtMs: 1, flush: 0, unknownKeyAtMs: null, result: { kind: 'document' } } as const;
const REVOKED = { by: 'user', value: 'mallory', issuedUntilSeconds: null, endsAtMs: null } as const;
const CLIENT = { clientId: 'client-1', project: 'shop', proxy: 'orders', proxyId: 'p', secretVerifier: 'v' };
const LIMITS = { failuresPerName: 3, failuresPerAddress: 9, blockMs: 60_000 };
const LOGIN = { name: 'alice', clientAddress: '192.0.2.7' };
/** Between two looks: what is asked for now and then is asked for each time. */
const STEP_MS = 60_000;
/** Of one look, whatever it finds; a loop has no end. */
const MOST_COMMANDS = 300;

/** What may be thrown: Redis gave no answer that can be used. */
const isUnavailable = (error: unknown): boolean =>
  [ChannelUnavailable, RefreshTokenStoreUnavailable, LoginThrottleUnavailable, IdentityUnavailable].some(
    (kind) => error instanceof kind,
  );

interface Reader {
  readonly what: string;
  /** What is wrong with what was read; undefined: nothing. */
  readonly read: () => Promise<string | undefined>;
}

async function violationOf({ what, read }: Reader): Promise<string | undefined> {
  try {
    const violation = await read();
    return violation === undefined ? undefined : `${what}: ${violation}`;
  } catch (error) {
    return isUnavailable(error) ? undefined : `${what}: threw ${String(error)}`;
  }
}

/** `identities`, `rt`, `login-failures`… */
const kindOf = (key: string): string => key.split(':')[2] ?? key;

const servedBy = (gateway: GatewayUnderTest): unknown =>
  [...(gateway.active.current?.proxies ?? [])].map(([id, { change, linked }]) => [id, change, linked.artifact]).sort();

/** Everything that reads a Redis of an environment, over one that holds a value of each kind. */
class RedisUnderFire {
  private constructor(
    private readonly redis: Redis,
    private readonly environment: EnvironmentUnderTest,
    private readonly gateway: GatewayUnderTest,
    private readonly stopServers: () => Promise<void>,
  ) {
    this.channel = new RedisConfigChannel(redis, ENVIRONMENT);
    this.shelf = new RedisKeySetShelf(redis, { environment: ENVIRONMENT, keepMs: 3_600_000 });
    this.refresh = new RedisRefreshTokenStore(redis, ENVIRONMENT, randomBytes(32));
    const counters = { environment: ENVIRONMENT, key: randomBytes(32), kind: 'password', limits: LIMITS } as const;
    this.throttle = new RedisLoginThrottle(redis, counters);
  }

  private readonly channel: RedisConfigChannel;
  private readonly shelf: RedisKeySetShelf;
  private readonly refresh: RedisRefreshTokenStore;
  private readonly throttle: RedisLoginThrottle;
  private readonly login = { subject: someSubject(), token: '' };
  /** Artifacts by proxy and deployment; null: removed. */
  private readonly published = new Map<string, string | null>();
  private served: unknown;
  private asked = 0;
  private content: KeptContent | undefined;
  places: readonly RedisPlace[] = [];

  static async start(): Promise<RedisUnderFire> {
    const stopServers = await startOwnServers();
    const redis = new Redis(process.env['TEST_REDIS_URL'] ?? '', { db: DATABASE });
    await redis.flushdb();
    const environment = await EnvironmentUnderTest.create();
    environment.channel.server = new RedisConfigChannel(redis, ENVIRONMENT);
    environment.ledger.server = new RedisRevocationLedger(redis, ENVIRONMENT, randomBytes(32));
    await environment.prepared.admit();
    const under = new RedisUnderFire(redis, environment, environment.start(), stopServers);
    await under.fill();
    return under;
  }

  /** Spoils one thing, has everybody read, and puts it back. */
  async judge({ place, apply }: Spoiling, text: string): Promise<Judgement> {
    await apply(this.redis, text);
    const violation = (await this.lookViolation()) ?? (await this.readViolation());
    await this.content?.restore();
    const after = violation ?? (await this.lookViolation());
    const group = kindOf(place.key);
    return { group, violation: after === undefined ? undefined : `${after} (${place.key} ${place.field})` };
  }

  async end(): Promise<void> {
    await this.environment.dispose();
    await this.redis.flushdb();
    this.redis.disconnect();
    await this.stopServers();
  }

  private async fill(): Promise<void> {
    const { environment, gateway } = this;
    this.countCommands();
    await this.publish('orders', 1);
    await this.publish('orders', 2, 1);
    await this.publish('users', 3);
    await environment.remove('gone', 4);
    this.published.set('id-of-gone 4', null);
    const { keys } = environment.prepared;
    const orders = { flushes: [{ uri: null, number: 1 }], denied: [] };
    await putIdentity(this.channel, keys, { kind: 'orders', subject: 'key-sets', version: 1, content: orders });
    await putIdentity(this.channel, keys, { kind: 'client', subject: CLIENT.clientId, version: 1, content: CLIENT });
    await environment.ledger.record([REVOKED], environment.nowMs);
    const entry = keySetEntry(keys, SUBJECT);
    const sealed = [sealKeySetAttempt(keys, SUBJECT, ATTEMPT), sealKeySet(keys, SUBJECT, DOCUMENT)] as const;
    await this.shelf.replace(entry, undefined, ...sealed);
    const issued = await this.refresh.issue(this.login.subject, rulesWith(), environment.nowMs);
    this.login.token = issued.kind === 'issued' ? issued.token : '';
    await this.throttle.failed(LOGIN);
    await gateway.look();
    this.served = servedBy(gateway);
    this.places = await allPlaces(this.redis);
    this.content = await KeptContent.of(this.redis);
  }

  private async publish(proxy: string, deployment: number, lastGood?: number): Promise<void> {
    const text = artifactText({ proxy, paths: [`/${proxy}/${deployment}`] });
    await this.environment.publish(proxy, deployment, text, lastGood);
    this.published.set(`id-of-${proxy} ${deployment}`, text);
  }

  private countCommands(): void {
    const send = this.redis.sendCommand.bind(this.redis);
    this.redis.sendCommand = (...given: Parameters<typeof send>) => {
      this.asked += 1;
      return send(...given);
    };
  }

  /** A look never throws; it changes nothing of what is served, and asks only so much. */
  private async lookViolation(): Promise<string | undefined> {
    const { gateway, environment } = this;
    environment.nowMs += STEP_MS;
    const before = this.asked;
    await gateway.look();
    const asked = this.asked - before;
    const unforeseen = gateway.log.lines.find(({ msg }) => msg === 'the configuration could not be looked at');
    gateway.log.lines.length = 0;
    if (unforeseen !== undefined) return `met an error that nobody foresaw: ${JSON.stringify(unforeseen)}`;
    if (asked > MOST_COMMANDS) return `asked Redis ${asked} times in one look`;
    if (!isDeepStrictEqual(servedBy(gateway), this.served)) return 'serves something else';
    return gateway.revocations.known.isRevoked({ sub: REVOKED.value }) ? undefined : 'forgot a revocation';
  }

  private async readViolation(): Promise<string | undefined> {
    const found = await Promise.all(this.readers().map((reader) => violationOf(reader)));
    return found.find((violation) => violation !== undefined);
  }

  private readers(): readonly Reader[] {
    const { keys } = this.environment.prepared;
    const nowMs = this.environment.nowMs - STEP_MS;
    const { token, subject } = this.login;
    return [
      {
        what: 'leases',
        read: async () => {
          for (const lease of await this.channel.leases()) openLease(keys, lease);
          await this.channel.leaseTimes();
          return undefined;
        },
      },
      { what: 'a gateway that joins', read: () => this.joinViolation() },
      { what: 'key sets', read: () => this.keySetViolation() },
      { what: 'a client', read: () => this.clientViolation() },
      {
        what: 'a refresh token',
        read: async () => {
          const found = await this.refresh.inspect(token, { clientId: subject.clientId }, nowMs);
          await this.refresh.familiesOf(subject, nowMs);
          const isSame = found.kind !== 'live' || isDeepStrictEqual(found.subject, subject);
          return isSame ? undefined : 'gives another login';
        },
      },
      {
        what: 'a rotation',
        read: async () => {
          const rotated = await this.refresh.rotate(token, { clientId: subject.clientId }, rulesWith(), nowMs);
          const isSame = rotated.kind !== 'rotated' || isDeepStrictEqual(rotated.subject, subject);
          return isSame ? undefined : 'gives another login';
        },
      },
      {
        what: 'the throttle',
        read: async () => {
          const { kind } = await this.throttle.standing(LOGIN);
          return ['open', 'blocked'].includes(kind) ? undefined : 'knows nothing';
        },
      },
    ];
  }

  /** What is applied is what was published under this number, letter by letter, and the same for the gateway's copy. */
  private async joinViolation(): Promise<string | undefined> {
    let violation: string | undefined;
    const follower = new ConfigFollower(this.channel, this.environment.prepared.keys, {
      report: () => undefined,
      apply: (changes) => {
        for (const { change, artifact } of changes) {
          const isGenuine = this.published.get(`${change.proxyId} ${change.deployment}`) === artifact;
          if (!isGenuine) violation = `takes something else for deployment ${change.deployment} of ${change.proxyId}`;
        }
        return Promise.resolve(new Map(changes.map(({ change }) => [change.proxyId, { applied: true }])));
      },
    });
    await follower.refresh();
    // They are told in the lease: one that is no number of a deployment would make it unreadable.
    if (!follower.unsettled.every((deployment) => Number.isSafeInteger(deployment) && deployment > 0))
      violation ??= `takes ${follower.unsettled.join()} for deployments`;
    return violation;
  }

  private async keySetViolation(): Promise<string | undefined> {
    const { keys } = this.environment.prepared;
    const entry = keySetEntry(keys, SUBJECT);
    const [attempt, document] = [await this.shelf.attempt(entry), await this.shelf.document(entry)];
    if (attempt !== undefined) openKeySetAttempt(keys, SUBJECT, attempt);
    const opened = document === undefined ? undefined : openKeySet(keys, SUBJECT, document);
    return opened === undefined || isDeepStrictEqual(opened, DOCUMENT) ? undefined : 'give another document';
  }

  private async clientViolation(): Promise<string | undefined> {
    const { channel, environment } = this;
    const keys = () => environment.prepared.keys;
    const directory = new ChannelIdentityDirectory({ channel, keys, onRefused: () => undefined });
    const found = await directory.client(CLIENT.clientId);
    return found === undefined || isDeepStrictEqual(found, CLIENT) ? undefined : 'is another one';
  }
}

/** Everything in the Redis of an environment, one value at a time altered, swapped, of another kind or gone. */
export const REDIS_CONTENTS: FuzzTarget = {
  name: 'redis-contents',
  share: 1,
  groups: ['artifacts', 'heads', 'identities', 'key-ring', 'key-sets', 'log', 'position', 'revocations', 'rt'],
  prepare: async () => {
    const under = await RedisUnderFire.start();
    return {
      next: (random) => {
        const spoiling = spoilingOf(random, under.places);
        return { text: spoiling.text, judge: (text) => under.judge(spoiling, text) };
      },
      end: () => under.end(),
    };
  },
};
