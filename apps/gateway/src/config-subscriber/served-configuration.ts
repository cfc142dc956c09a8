import type { ChangeRecord } from '#libs/config-distribution';
import type { LinkedProxy } from '#libs/policy-runtime';
import type { ActiveConfiguration } from '../http-server/active-configuration.ts';

/** A change that brings a proxy. */
export type ArtifactChange = Extract<ChangeRecord, { kind: 'artifact' }>;

/** A proxy that is live, and the change that brought it. Never changed, only replaced. */
export interface LiveProxy {
  readonly linked: LinkedProxy;
  readonly change: ArtifactChange;
}

/** Everything a gateway serves by, always all of one moment; the next swap changes it. */
export interface ServedConfiguration extends ActiveConfiguration {
  /** By id. */
  readonly proxies: ReadonlyMap<string, LiveProxy>;
  /** By `project/proxy`. */
  readonly proxiesByName: ReadonlyMap<string, LiveProxy>;
}

/** Names of projects and proxies hold no slash. */
export const proxyTitle = (project: string, proxy: string): string => `${project}/${proxy}`;
