import { cpSync, rmSync } from 'node:fs';
import { Redis } from 'ioredis';
import { RedisConfigChannel, type LogPosition } from '#libs/config-distribution';
import { type RunningServer } from '#libs/embedded-servers';
import { type ChildProgram } from '../support/child-program.ts';
import { type GatewardenSystem, type RunningGateway } from '../support/gatewarden-system.ts';
import { until } from '../support/until.ts';
import { type Downtimes } from './downtimes.ts';

/** Something that may be killed at any moment. */
export interface Victim {
  readonly name: string;
  readonly kind: 'api' | 'deployer' | 'gateway' | 'redis of the queue' | 'redis of an environment';
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGTERM. @throws Error when it does not end, or not well */
  end(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** After `kill` or `end`. @throws Error when it does not become ready */
  startAgain(): Promise<void>;
}

/** A Redis whose data may be lost, or be those of yesterday. */
export interface RedisVictim extends Victim {
  empty(): Promise<void>;
  /** Fulfils when its last copy is old: something was published since. @throws Error when nothing is */
  copyIsOld(): Promise<void>;
  /** Its data as they are now. */
  copyTo(directory: string): Promise<void>;
  bringBack(directory: string): Promise<void>;
}

/** All that it may wait for is away for a few seconds at most. */
const ENDS_WITHIN_MS = 45_000;
/** What takes a second takes far longer while a whole suite runs on few cores. */
const READY_WITHIN_MS = 120_000;
const COPY_OLD_WITHIN_MS = 60_000;

class ProgramVictim implements Victim {
  constructor(
    readonly name: string,
    readonly kind: Victim['kind'],
    protected readonly program: ChildProgram,
    private readonly ready: () => Promise<void>,
  ) {}

  async kill(): Promise<void> {
    await this.program.signal('SIGKILL');
  }

  async end(): Promise<void> {
    const exit = this.program.signal('SIGTERM');
    let code: number | null | undefined;
    void exit.then((ended) => (code = ended));
    const ended = until(`${this.name} has ended after SIGTERM`, async () => code !== undefined, ENDS_WITHIN_MS);
    await ended.catch(async (error: unknown) => {
      await this.program.signal('SIGKILL');
      throw new Error(`${String(error)}\n${this.program.output.slice(-1_500)}`);
    });
    if (code !== 0) throw new Error(`${this.name} ended with ${String(code)}\n${this.program.output.slice(-1_500)}`);
  }

  freeze(): void {
    this.program.freeze();
  }

  thaw(): void {
    this.program.thaw();
  }

  async startAgain(): Promise<void> {
    this.program.start();
    await this.ready().catch((error: unknown) => {
      throw new Error(`${this.name}: ${String(error)}\n${this.program.output.slice(-1_500)}`);
    });
  }
}

class GatewayVictim extends ProgramVictim {
  constructor(
    private readonly gateway: RunningGateway,
    system: GatewardenSystem,
    private readonly downtimes: Downtimes,
  ) {
    super(gateway.id, 'gateway', gateway.program, () => system.ready(gateway.adminUrl, READY_WITHIN_MS));
  }

  override async kill(): Promise<void> {
    this.downtimes.begin(this.gateway.id);
    await super.kill();
  }

  override async end(): Promise<void> {
    this.downtimes.begin(this.gateway.id);
    await super.end();
  }

  override async startAgain(): Promise<void> {
    await super.startAgain();
    this.downtimes.end(this.gateway.id);
  }
}

/** Where a Redis is now, and how it comes back. */
interface RedisPlace {
  readonly name: string;
  readonly directory: string;
  readonly running: () => RunningServer;
  readonly again: () => Promise<unknown>;
  /** Where its log ends, as it says itself, and as PostgreSQL knows; undefined: it has none. */
  readonly held: () => Promise<LogPosition | undefined>;
  readonly known: () => Promise<LogPosition | undefined>;
}

class RedisProcess implements RedisVictim {
  readonly name: string;
  /** Its copy goes no further than this. */
  private copied: LogPosition | undefined;

  constructor(
    readonly kind: Victim['kind'],
    private readonly place: RedisPlace,
  ) {
    this.name = place.name;
  }

  async kill(): Promise<void> {
    const { pid, exited } = this.place.running();
    process.kill(pid, 'SIGKILL');
    await exited;
  }

  end(): Promise<void> {
    return this.place.running().stop();
  }

  freeze(): void {
    process.kill(this.place.running().pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.place.running().pid, 'SIGCONT');
  }

  async startAgain(): Promise<void> {
    await this.place.again();
  }

  async empty(): Promise<void> {
    const client = new Redis(this.place.running().url);
    await client.flushall();
    client.disconnect();
  }

  async copyTo(directory: string): Promise<void> {
    this.freeze();
    cpSync(this.place.directory, directory, {
      recursive: true,
      filter: (file) => !/redis\.(pid|lock|log)$/.test(file),
    });
    this.thaw();
    // Not what PostgreSQL knows: that comes later, and would make a copy look old that has everything.
    this.copied = await this.place.held();
  }

  /** However late it was copied: a copy that nothing was published after is no old one. */
  async copyIsOld(): Promise<void> {
    const { epoch = '', sequence = 0 } = this.copied ?? {};
    const isOld = async (): Promise<boolean> => {
      const known = await this.place.known();
      return known !== undefined && (known.epoch !== epoch || known.sequence > sequence);
    };
    await until(`something is published to ${this.name} after it was copied`, isOld, COPY_OLD_WITHIN_MS);
  }

  async bringBack(directory: string): Promise<void> {
    await this.kill();
    rmSync(this.place.directory, { recursive: true, force: true });
    cpSync(directory, this.place.directory, { recursive: true });
    await this.place.again();
  }
}

/** What PostgreSQL knows to have been published last to an environment. */
async function knownPosition(system: GatewardenSystem, environment: string): Promise<LogPosition | undefined> {
  const { rows } = await system.database.pool.query<LogPosition>(
    `select epoch, sequence::float8 as sequence from environment_channels
     join names on names.kind = 'environment' and names.entity_id = environment_id::text where names.name = $1`,
    [environment],
  );
  return rows[0];
}

async function heldPosition(system: GatewardenSystem, environment: string): Promise<LogPosition | undefined> {
  const client = new Redis(system.environment(environment).redis.url);
  try {
    return await new RedisConfigChannel(client, environment).position();
  } finally {
    client.disconnect();
  }
}

export interface Victims {
  readonly all: readonly Victim[];
  readonly redises: ReadonlyMap<string, RedisVictim>;
}

/** Everything of a system but PostgreSQL. */
export function victimsOf(system: GatewardenSystem, downtimes: Downtimes): Victims {
  const { controlPlane, controlPlaneUrl, deployers, environments } = system;
  const redises = new Map<string, RedisVictim>();
  for (const name of environments.keys()) {
    const place: RedisPlace = {
      ...{ name: `redis of ${name}`, directory: system.redisDirectory(name) },
      ...{ running: () => system.environment(name).redis, again: () => system.redisAgain(name) },
      ...{ held: () => heldPosition(system, name), known: () => knownPosition(system, name) },
    };
    redises.set(name, new RedisProcess('redis of an environment', place));
  }
  const queue: RedisPlace = {
    ...{ name: 'redis of the queue', directory: system.redisDirectory('queue') },
    ...{ running: () => system.queue, again: () => system.startQueue() },
    ...{ held: () => Promise.resolve(undefined), known: () => Promise.resolve(undefined) },
  };
  const all: Victim[] = [
    new ProgramVictim('api', 'api', controlPlane, () => system.ready(controlPlaneUrl, READY_WITHIN_MS)),
    ...deployers.map(
      ({ program, url }, at) =>
        new ProgramVictim(`deployer ${at + 1}`, 'deployer', program, () => system.ready(url, READY_WITHIN_MS)),
    ),
    ...system.allGateways.map((gateway) => new GatewayVictim(gateway, system, downtimes)),
    new RedisProcess('redis of the queue', queue),
    ...redises.values(),
  ];
  return { all, redises };
}
