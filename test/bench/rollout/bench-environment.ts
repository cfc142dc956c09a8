import path from 'node:path';
import type { BenchControlPlane } from '../bench-control-plane.ts';
import { GatewayHosts } from './gateway-hosts.ts';
import { AUDIENCE, BENCH_SECRET, goodToken, issuerOf, strayToken } from './tokens.ts';

const CREATED_AT_ONCE = 16;

/** Where everything of the benchmark runs. */
export interface BenchPlace {
  readonly controlPlane: BenchControlPlane;
  readonly redisUrl: string;
  readonly upstreamUrl: string;
  readonly directory: string;
}

/** Milliseconds from sending a change: until every gateway enforced it, and until it was answered. */
export interface ChangeTimes {
  readonly enforcedMs: number;
  readonly answeredMs: number;
}

const proxyBody = (proxy: string, environment: string, address: string) => ({
  ...{ apiProxyName: proxy, apiProxyDescription: '', apiProxyCreationType: 'REVERSE_PROXY' },
  clientRoute: { relativePathList: [`/${environment}/${proxy}`], methodList: ['ALL'] },
  routingInfo: { routingAddressList: [{ address, weight: 100 }] },
  ...{ deploy: true, deployTargetEnvironmentNameList: [environment] },
});

const policyBody = (environment: string, change: number) => ({
  operationMetadata: {
    ...{ targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: true, deployTargetEnvironmentNameList: [environment] },
  },
  policy: {
    ...{ type: 'policy-verify-jwt', algorithm: ['HS256'], secretKey: { ref: 'private.bench' } },
    ...{ issuer: { value: issuerOf(change) }, audience: { value: AUDIENCE } },
  },
});

/** One environment with a project of its own, and gateways that follow it. */
export class BenchEnvironment {
  private changes = 0;
  /** Proxies that have the policy. */
  private readonly withPolicy = new Set<string>();

  private constructor(
    readonly name: string,
    readonly gatewayKey: string,
    private readonly controlPlane: BenchControlPlane,
    private readonly gateways: GatewayHosts,
  ) {}

  /** With so many proxies, deployed by apiops, some at a time; then the gateways start. */
  static async prepare(
    place: BenchPlace,
    name: string,
    size: { readonly proxies: number; readonly gatewayCount: number; readonly processCount: number },
  ): Promise<BenchEnvironment> {
    const { controlPlane, redisUrl, upstreamUrl } = place;
    const created = await controlPlane.call('POST', '/environments/', { name });
    const gatewayKey = String(created.resultList[0].gatewayKey);
    await controlPlane.call('POST', '/projects/', { name });
    const variable = { global: true, globalValue: BENCH_SECRET };
    await controlPlane.call('POST', `/projects/${name}/environmentVariables/private.bench/`, variable);
    let next = 0;
    const create = async (): Promise<void> => {
      while (next < size.proxies) {
        const body = proxyBody(`p${(next += 1) - 1}`, name, upstreamUrl);
        await controlPlane.call('POST', `/projects/${name}/apiProxies/url/`, body);
      }
    };
    await Promise.all(Array.from({ length: CREATED_AT_ONCE }, create));
    const directory = path.join(place.directory, name);
    const gateways = await GatewayHosts.start({ environment: name, gatewayKey, redisUrl, directory }, size);
    return new BenchEnvironment(name, gatewayKey, controlPlane, gateways);
  }

  /**
   * Adds the policy to the next proxy, or changes the one that is there, and deploys it to all gateways.
   *
   * @param among only so many proxies take turns
   */
  async change(among: number): Promise<ChangeTimes> {
    const proxy = `p${this.changes % among}`;
    const change = (this.changes += 1);
    const method = this.withPolicy.has(proxy) ? 'PUT' : 'POST';
    const body = policyBody(this.name, change);
    const url = `/projects/${this.name}/apiProxies/${proxy}/policies/check/`;
    const tokens = { strayToken: strayToken(change), goodToken: goodToken(change) };
    const awaited = { change, path: `/${this.name}/${proxy}`, ...tokens };
    const times = await this.gateways.observe(awaited, async () => {
      const answer = await this.controlPlane.call(method, url, body);
      if (answer.deploymentResult.success !== true) throw new Error(JSON.stringify(answer.deploymentResult));
    });
    this.withPolicy.add(proxy);
    return times;
  }

  async stop(): Promise<void> {
    await this.gateways.stop();
  }
}
