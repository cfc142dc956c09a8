import { Injectable } from '@nestjs/common';
import { ChannelMirror } from '#libs/config-distribution';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';

/** What was read of the log of an environment, and how far it can be relied on. */
export interface KeptMirror {
  readonly mirror: ChannelMirror;
  /** When all of it was read last, by a clock that never goes back. */
  wholeAtMs: number;
  /** The log in which everything was found that was ever given out: what gateways serve follows from it. */
  completeEpoch: string | undefined;
}

/** One mirror of each environment's log for all in this process who compare something with it. */
@Injectable()
export class EnvironmentMirrors {
  private readonly kept = new WeakMap<EnvironmentChannel, KeptMirror>();

  of(environment: EnvironmentChannel): KeptMirror {
    const { channel, keys } = environment;
    const kept = this.kept.get(environment) ?? {
      ...{ mirror: new ChannelMirror(channel, keys), wholeAtMs: -Infinity, completeEpoch: undefined },
    };
    this.kept.set(environment, kept);
    return kept;
  }
}

/** Whether everything that was ever given out stands in the log that was read. */
export const isComplete = ({ mirror, completeEpoch }: KeptMirror): boolean =>
  completeEpoch !== undefined && completeEpoch === mirror.position?.epoch;
