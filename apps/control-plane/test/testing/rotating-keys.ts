import { jest } from '@jest/globals';
import { parseProxyArtifact, type ArtifactSigningKeys } from '#libs/policy-contracts';
import { FakeGateway } from './fake-gateway.ts';
import { policyBody, proxyBody } from './request-bodies.ts';
import { RunningControlPlane, type Answer } from './running-control-plane.ts';
import { until } from './test-servers.ts';

export type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;
export type Rotation = Readonly<Record<string, unknown>> & {
  readonly stage: string;
  readonly waitsFor: string;
  readonly stepList: readonly { step: string; at: string; actor: string; reason: string | null }[];
};

/** Only `Date`: nothing waits for a clock that stands still. */
const NOT_FAKED = [
  ...(['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
  ...(['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const),
];

/** So many seconds later, as the control plane reads the clock; it stands there. */
export const itIsLaterBy = (seconds: number): void => {
  const now = Date.now() + seconds * 1_000;
  jest.useFakeTimers({ now, doNotFake: [...NOT_FAKED] });
};

/** Keys of a project that are rotated, and proxies that use them. */
export class RotatingKeys {
  private static made = 0;
  private gateways: FakeGateway[] = [];

  constructor(
    readonly plane: RunningControlPlane,
    private readonly project = 'shop',
  ) {}

  async ends(): Promise<void> {
    for (const gateway of this.gateways) await gateway.ends();
    this.gateways = [];
  }

  /** One that answers nothing until it is told to. */
  async gateway(environment: Environment, gatewayId = 'gateway-1'): Promise<FakeGateway> {
    const admitted = await FakeGateway.admitted(this.plane.redis, environment, gatewayId);
    this.gateways.push(admitted);
    await admitted.says();
    return admitted;
  }

  newName(): string {
    return `rotated-${(RotatingKeys.made += 1)}`;
  }

  at(name: string, rest = ''): string {
    return `/projects/${this.project}/jwks/${name}/${rest}`;
  }

  async key(members: object = {}): Promise<string> {
    const name = this.newName();
    const body = { name, type: 'EC', ec: { curveType: 'P256' }, kid: 'first', ...members };
    await this.plane.done('POST', `/projects/${this.project}/jwks/generate`, body);
    return name;
  }

  rotate(name: string, body: object = {}): Promise<Answer['body']> {
    return this.plane.done('POST', this.at(name, 'rotate/'), { kid: 'second', ...body });
  }

  async rotation(name: string): Promise<Rotation> {
    return (await this.plane.done('GET', this.at(name, 'rotate/'))).resultList[0] as Rotation;
  }

  reaches(name: string, stage: string): Promise<Rotation> {
    return until(`${name} is ${stage}`, async () => {
      const seen = await this.rotation(name);
      return seen.stage === stage && seen;
    });
  }

  /** A proxy that is deployed and signs with a key. */
  async proxy(keyStoreName: string, environments: readonly Environment[], policy: object = {}): Promise<string> {
    const name = this.newName();
    await this.plane.done('POST', `/projects/${this.project}/apiProxies/url/`, proxyBody(name));
    await this.plane.done('POST', this.policyOf(name), this.policy(keyStoreName, environments, policy));
    return name;
  }

  policyOf(proxy: string): string {
    return `/projects/${this.project}/apiProxies/${proxy}/policies/issue/`;
  }

  policy(keyStoreName: string, environments: readonly Environment[], policy: object = {}): object {
    const names = environments.map(({ name }) => name);
    const life = { tokenNeverExpires: false, tokenExpiresInAmount: 1, tokenExpiresInUnit: 'HOURS' };
    return policyBody(
      { deploy: true, deployTargetEnvironmentNameList: names },
      { jwtSignatureAlgorithm: 'ES256', keyStoreName, ...life, ...policy },
    );
  }

  /** `signing (verification…)` by key id, as a gateway finds it. */
  async published(proxy: string, gateway: FakeGateway): Promise<string> {
    const found = await gateway.artifactOf(await this.plane.proxyId(proxy));
    const parsed = parseProxyArtifact(JSON.parse(found?.text ?? 'null'));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    const { signing, verification } = parsed.value.signingKeys['issue'] as ArtifactSigningKeys;
    return `${String(signing['kid'])} (${verification.map(({ kid }) => String(kid)).join(' ')})`;
  }
}
