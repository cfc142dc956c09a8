import { randomBytes } from 'node:crypto';
import type { ConfigChannel } from '../config-channel.port.ts';
import { ConfigPublisher } from '../config-publisher.ts';
import { gatewayKeyText, newGatewayKey, wrapRootKey, type GatewayKey } from '../sealing/gateway-key.ts';
import { ChannelKeys } from '../sealing/sealed-box.ts';

export interface PreparedEnvironment {
  readonly keys: ChannelKeys;
  readonly publisher: ConfigPublisher;
  readonly gatewayKey: GatewayKey;
  /** The value of `GATEWAY_KEY`. */
  readonly gatewayKeyText: string;
  /** Writes the key ring: again when the Redis was emptied, or into another channel. */
  admit(): Promise<void>;
  /** Begins a log where there is none; from then on nobody is known but who was told of. */
  tellOfAll(): Promise<void>;
}

/** What a control plane does when an environment is created, but for the empty configuration. */
export async function prepareEnvironment(channel: ConfigChannel, environment: string): Promise<PreparedEnvironment> {
  const rootKey = randomBytes(32);
  const keys = new ChannelKeys(environment, rootKey);
  const gatewayKey = newGatewayKey();
  const entries = new Map([[gatewayKey.keyId, wrapRootKey(environment, gatewayKey, rootKey)]]);
  const admit = (): Promise<void> => channel.writeKeyRing(entries);
  await admit();
  const publisher = new ConfigPublisher(channel, keys);
  const tellOfAll = async (): Promise<void> => {
    await publisher.publishEmpty();
    await channel.noteToldOfAll((await channel.position())?.epoch ?? '');
  };
  return { keys, publisher, gatewayKey, gatewayKeyText: gatewayKeyText(gatewayKey), admit, tellOfAll };
}
