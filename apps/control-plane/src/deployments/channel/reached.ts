import { ChannelUnavailable } from '#libs/config-distribution';
import { unavailable } from '../../decider/domain-error.ts';
import type { EnvironmentChannel, EnvironmentChannels } from './environment-channels.ts';

/**
 * Asks the Redis of an environment.
 *
 * @throws DomainError UNAVAILABLE naming the environment when it cannot be reached
 */
export async function askEnvironment<Value>(
  channels: EnvironmentChannels,
  environmentId: string,
  ask: (environment: EnvironmentChannel) => Promise<Value>,
): Promise<Value> {
  try {
    return await ask(await channels.of(environmentId));
  } catch (error) {
    if (error instanceof ChannelUnavailable) throw unavailable(`${error.message}; try again`);
    throw error;
  }
}
