import { Controller, Get, Inject } from '@nestjs/common';
import { GATEWAY_STATUS, type GatewayStatus } from './gateway-status.ts';

interface ProxyView {
  readonly project: string;
  readonly name: string;
  readonly revision: number;
  readonly deployment: number;
  /** Equal on every gateway that serves the same artifact. */
  readonly hash: string;
}

interface ConfigView {
  readonly environment: string;
  readonly deployment: number;
  readonly proxies: readonly ProxyView[];
}

const byName = (left: ProxyView, right: ProxyView): number =>
  left.project.localeCompare(right.project) || left.name.localeCompare(right.name);

/** What is really served, for inspection. No secrets. */
@Controller('config')
export class ConfigController {
  constructor(@Inject(GATEWAY_STATUS) private readonly status: GatewayStatus) {}

  @Get()
  read(): ConfigView {
    const { environment, deployment, configuration } = this.status;
    const proxies = [...(configuration?.proxies.values() ?? [])].map(({ linked, change }): ProxyView => {
      const { project, proxy: name, revision } = linked.artifact;
      return { project, name, revision, deployment: change.deployment, hash: change.hash };
    });
    return { environment, deployment, proxies: proxies.sort(byName) };
  }
}
