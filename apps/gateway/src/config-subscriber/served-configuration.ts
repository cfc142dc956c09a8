import type { ChangeRecord } from '#libs/config-distribution';
import type { LinkedProxy } from '#libs/policy-runtime';
import type { ActiveConfiguration } from '../http-server/active-configuration.ts';

/** A proxy that is live, and the change that brought it. */
export interface LiveProxy {
  readonly linked: LinkedProxy;
  readonly change: Extract<ChangeRecord, { kind: 'artifact' }>;
}

/** Everything a gateway serves by at one moment. Never changed, only replaced. */
export interface ServedConfiguration extends ActiveConfiguration {
  readonly proxies: ReadonlyMap<string, LiveProxy>;
}
