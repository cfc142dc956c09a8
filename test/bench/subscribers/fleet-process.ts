/** Some of the subscribers: followers as a gateway has one, and beside them bare ones that get a key at each hint. */
import { Redis } from 'ioredis';
import { ChannelKeys, ConfigFollower, RedisConfigChannel } from '#libs/config-distribution';
import type { FleetMessage, FleetPart } from './fleet-messages.ts';

const part = JSON.parse(process.argv[2] ?? '') as FleetPart;
const keys = new ChannelKeys(part.environment, Buffer.from(part.rootKey, 'base64url'));
const say = (message: FleetMessage): void => void process.send?.(message);

/** Counts who was told of the change under way; a change is told of when nobody works on it any more. */
class Roll {
  private told = 0;
  private busy = 0;
  private lastAtNs = 0n;

  begin(): void {
    this.busy += 1;
  }

  tell(): void {
    this.told += 1;
    this.lastAtNs = process.hrtime.bigint();
  }

  end(): void {
    this.busy -= 1;
    if (this.told !== part.subscribers || this.busy > 0) return;
    this.told = 0;
    say({ kind: 'told', lastAtNs: String(this.lastAtNs) });
  }
}
const roll = new Roll();

/** Looks whenever it is hinted at something, one look at a time. */
async function startFollower(redis: Redis): Promise<void> {
  const channel = new RedisConfigChannel(redis, part.environment);
  const follower = new ConfigFollower(channel, keys, {
    apply: async (changes) => {
      roll.tell();
      return new Map(changes.map(({ change }) => [change.proxyId, { applied: true }]));
    },
    report: ({ problem }) => {
      throw new Error(`unexpected: ${problem}`);
    },
  });
  let looking = Promise.resolve();
  const hinted = new Promise<void>((resolve) => {
    void channel.watch('changes', (message) => {
      if (message === undefined) return resolve();
      follower.offer(message);
      roll.begin();
      looking = looking.then(async () => void (await follower.refresh())).finally(() => roll.end());
    });
  });
  await hinted;
  await follower.refresh();
}

async function startBare(redis: Redis): Promise<void> {
  const subscriber = redis.duplicate();
  subscriber.on('message', () => {
    roll.begin();
    void redis.get(part.bare.key).then((text) => {
      if (text === null) throw new Error('nothing to get');
      roll.tell();
      roll.end();
    });
  });
  await subscriber.subscribe(part.bare.topic);
}

const connections = Array.from({ length: part.subscribers }, () => new Redis(part.redisUrl));
await Promise.all(connections.flatMap((redis) => [startFollower(redis), startBare(redis)]));
say({ kind: 'ready' });
// Whoever started it is gone, or has seen enough.
process.once('disconnect', () => process.exit());
