import type { GatewayStatus } from './gateway-status.ts';

interface ProxyView {
  readonly project: string;
  readonly name: string;
  readonly revision: number;
  readonly deployment: number;
  /** Equal on every gateway that serves the same artifact. */
  readonly hash: string;
}

/** What is really served, for inspection. No secrets. */
export interface ConfigView {
  readonly environment: string;
  readonly deployment: number;
  readonly proxies: readonly ProxyView[];
}

const byName = (left: ProxyView, right: ProxyView): number =>
  left.project.localeCompare(right.project) || left.name.localeCompare(right.name);

export function configView({ environment, deployment, configuration }: GatewayStatus): ConfigView {
  const proxies = [...(configuration?.proxies.values() ?? [])].map(({ linked, change }): ProxyView => {
    const { project, proxy: name, revision } = linked.artifact;
    return { project, name, revision, deployment: change.deployment, hash: change.hash };
  });
  return { environment, deployment, proxies: proxies.sort(byName) };
}
