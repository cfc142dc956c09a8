import type { Redis } from 'ioredis';

/** What a server has done and holds. */
export interface RedisCounters {
  readonly atMs: number;
  readonly clients: number;
  readonly usedBytes: number;
  readonly commands: number;
  readonly cpuSeconds: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export async function redisCounters(redis: Redis): Promise<RedisCounters> {
  const text = await redis.info();
  const field = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);
  return {
    ...{ atMs: performance.now(), clients: field('connected_clients'), usedBytes: field('used_memory') },
    ...{ commands: field('total_commands_processed'), cpuSeconds: field('used_cpu_user') + field('used_cpu_sys') },
    ...{ sentBytes: field('total_net_output_bytes'), receivedBytes: field('total_net_input_bytes') },
  };
}

/** What a server did between two looks, for each second. */
export interface RedisRates {
  readonly commands: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** 1: one core is busy with it. */
  readonly cores: number;
}

export function ratesBetween(before: RedisCounters, after: RedisCounters): RedisRates {
  const seconds = (after.atMs - before.atMs) / 1_000;
  const rate = (name: 'commands' | 'sentBytes' | 'receivedBytes' | 'cpuSeconds'): number =>
    (after[name] - before[name]) / seconds;
  return {
    ...{ commands: rate('commands'), sentBytes: rate('sentBytes') },
    ...{ receivedBytes: rate('receivedBytes'), cores: rate('cpuSeconds') },
  };
}
