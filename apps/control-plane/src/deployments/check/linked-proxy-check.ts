import { Inject, Injectable } from '@nestjs/common';
import { generateSigningKey, type JwsAlgorithmName } from '#libs/jwt-engine';
import type { ArtifactSigningKeys, PolicyContract, ValidationFault } from '#libs/policy-contracts';
import { linkProxy } from '#libs/policy-runtime';
import type { ActiveApiProxy } from '../../api-proxies/domain/index.ts';
import type { ProxyCheck } from '../../api-proxies/proxy-check.port.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { conflict } from '../../decider/domain-error.ts';
import { CONTROL_PLANE_CONFIG } from '../../injection-tokens.ts';
import { artifactSizeFault } from '../compile/artifact-size.ts';
import { compileProxy } from '../compile/compile-proxy.ts';

/** A proxy with nothing in it, to hang a policy on. */
const BARE_PROXY: Omit<ActiveApiProxy, 'policies'> = {
  status: 'active',
  ...{ proxyId: 'check', projectId: 'check', project: 'check', name: 'check', revision: 1, description: '' },
  keys: { publicKey: '', secretKey: { secretId: '', fingerprint: '' } },
  clientRoute: { relativePathList: ['/'], methodList: ['ALL'], hostList: [], headerList: [] },
  routingInfo: {
    routingAddressList: [{ address: 'http://127.0.0.1', weight: 1 }],
    loadBalanceAlgorithm: 'ROUND_ROBIN',
    ...{ connectTimeoutSeconds: 1, readTimeoutSeconds: 1, retryCount: 0 },
  },
  cors: null,
  jsonErrorTemplate: null,
  xmlErrorTemplate: null,
  endpoints: [],
};

/** Links a proxy with the gateway's own code, with keys that are thrown away: what cannot be linked is refused. */
@Injectable()
export class LinkedProxyCheck implements ProxyCheck {
  private readonly keys = new Map<JwsAlgorithmName, ArtifactSigningKeys>();
  private readonly maxArtifactBytes: number;

  constructor(@Inject(CONTROL_PLANE_CONFIG) { maxArtifactBytes }: Pick<ControlPlaneConfig, 'maxArtifactBytes'>) {
    this.maxArtifactBytes = maxArtifactBytes;
  }

  faultsOf(proxy: ActiveApiProxy): ValidationFault[] {
    const artifact = compileProxy(proxy, {
      environment: { name: 'check', tokenIssuer: 'https://gatewarden/check', expiresInUnit: 'SECONDS' },
      variables: {},
      signingKeys: this.keysFor(proxy),
    });
    const size = artifactSizeFault(artifact, this.maxArtifactBytes);
    if (size !== undefined) throw conflict(size);
    const linked = linkProxy(artifact, { faultCodes: 'documented' });
    if (linked.ok) return [];
    return linked.faults.map(({ policy, field, code, message }) => ({
      field,
      code,
      message: policy === '' ? message : `${message} (policy ${policy})`,
    }));
  }

  faultsOfPolicy(name: string, policy: PolicyContract): ValidationFault[] {
    return this.faultsOf({ ...BARE_PROXY, policies: [{ name, place: { scope: 'ALL', pipeline: 'REQUEST' }, policy }] });
  }

  private keysFor(proxy: ActiveApiProxy): Record<string, ArtifactSigningKeys> {
    const keys: Record<string, ArtifactSigningKeys> = {};
    for (const { name, policy } of proxy.policies) {
      if (policy.type === 'policy-auth-jwt') keys[name] = this.keyFor(policy.jwtSignatureAlgorithm);
    }
    return keys;
  }

  private keyFor(algorithm: JwsAlgorithmName): ArtifactSigningKeys {
    const known = this.keys.get(algorithm);
    if (known !== undefined) return known;
    const made = { signing: generateSigningKey(algorithm).jwk, verification: [] };
    this.keys.set(algorithm, made);
    return made;
  }
}
