import { ask, Rig } from '../http-server/testing/rig.ts';
import { ConfiguredGateways, type MemberWishes } from './configured-gateways.ts';
import { fetchedKeysPolicy, type RotatingProvider } from './rotating-provider.ts';

const STARTS_AT_MS = 1_700_000_000_000;
const MS_PER_SECOND = 1_000;

/** The gateways of one environment and an upstream, with proxies whose policies take their keys from addresses. */
export class KeySetFleet {
  private constructor(
    readonly gateways: ConfiguredGateways,
    private readonly rig: Rig,
    private readonly upstreamUrl: string,
  ) {}

  static async start(redisUrl: string, members: readonly MemberWishes[]): Promise<KeySetFleet> {
    const rig = new Rig();
    const { url } = await rig.upstream((_request, response) => response.end());
    return new KeySetFleet(await ConfiguredGateways.start(redisUrl, STARTS_AT_MS, members), rig, url);
  }

  /** Publishes a proxy that takes tokens of the provider; its path is its name. */
  async publish(proxy: string, { address }: Pick<RotatingProvider, 'address'>): Promise<void> {
    const pipelines = { request: [fetchedKeysPolicy(address)] };
    await this.gateways.publish([{ proxy, addresses: [this.upstreamUrl], pipelines }]);
  }

  passSeconds(seconds: number): void {
    this.gateways.nowMs += seconds * MS_PER_SECOND;
  }

  /** What a gateway says to a token: `pass`, or the code of the fault. */
  async verdict(id: string, proxy: string, token: string): Promise<string> {
    const headers = { authorization: `Bearer ${token}` };
    const { status, body } = await ask({ port: this.gateways.port(id), path: `/${proxy}/7`, headers });
    if (status === 200) return 'pass';
    const { fault } = JSON.parse(body) as { readonly fault: { readonly detail: { readonly errorcode: string } } };
    return fault.detail.errorcode.replace('steps.jwt.', '');
  }

  /** The same of every gateway, in the order they were started. */
  verdicts(proxy: string, token: string): Promise<readonly string[]> {
    return Promise.all(this.gateways.ids.map((id) => this.verdict(id, proxy, token)));
  }

  /** A metric's value at each gateway, all its labels together. */
  metric(name: string): Promise<readonly number[]> {
    return Promise.all(
      this.gateways.ids.map(async (id) => {
        const lines = await this.gateways.metric(id, name);
        return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
      }),
    );
  }

  async stop(): Promise<void> {
    await this.gateways.stop();
    await this.rig.stop();
  }
}
