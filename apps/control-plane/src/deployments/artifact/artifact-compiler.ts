import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { EVENT_STORE, type EventStore } from '#libs/event-store';
import { artifactHash, type ChannelKeys } from '#libs/config-distribution';
import { canonicalJson } from '#libs/canonical-json';
import { type ArtifactSigningKeys, type ArtifactVariable, type ProxyArtifact } from '#libs/policy-contracts';
import { environmentVariablesOf } from '#libs/policy-runtime';
import { type ActiveApiProxy, proxyAtRevision } from '../../api-proxies/domain/index.ts';
import { loadState } from '../../decider/stream-states.ts';
import {
  variableDecider,
  variableStream,
  variableValueIn,
  type VariableValue,
} from '../../environment-variables/domain/environment-variable.decider.ts';
import type { ActiveEnvironment } from '../../environments/domain/environment.decider.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { CONTROL_PLANE_CONFIG, DATABASE, VAULT } from '../../injection-tokens.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { artifactSizeFault } from '../compile/artifact-size.ts';
import { compileProxy } from '../compile/compile-proxy.ts';
import { CannotCompile } from './cannot-compile.ts';
import { ProjectKeys } from './project-keys.ts';
import { SigningKeys } from './signing-keys.ts';

// Named: planned once on each connection.
const VARIABLES = {
  name: 'artifact_variables_1',
  text: `select name, entity_id from names where kind = 'variable' and scope = $1`,
};

/** Gathers what a proxy's revision needs in an environment and compiles it. */
@Injectable()
export class ArtifactCompiler {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
    private readonly signingKeys: SigningKeys,
    private readonly projectKeys: ProjectKeys,
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** The proxy as it was at a revision; undefined when it was deleted by then or never there. */
  async proxyAt(proxyId: string, revision: number): Promise<ActiveApiProxy | undefined> {
    const state = await proxyAtRevision(this.store, proxyId, revision);
    return state.status === 'active' ? state : undefined;
  }

  /** @throws CannotCompile when a key that a policy names is not there for this environment, or it is larger than may be */
  async compile(proxy: ActiveApiProxy, environment: ActiveEnvironment): Promise<ProxyArtifact> {
    const { name, tokenIssuer, expiresInUnit } = environment;
    const [variables, signingKeys] = await Promise.all([
      this.variablesOf(proxy, environment.environmentId),
      this.keysOf(proxy, environment),
    ]);
    const artifact = compileProxy(proxy, { environment: { name, tokenIssuer, expiresInUnit }, variables, signingKeys });
    // Values of variables and keys are in it by now, which no change of the proxy was asked about.
    const fault = artifactSizeFault(artifact, this.config.maxArtifactBytes);
    if (fault !== undefined) throw new CannotCompile(fault);
    return artifact;
  }

  private async keysOf(
    proxy: ActiveApiProxy,
    environment: ActiveEnvironment,
  ): Promise<Record<string, ArtifactSigningKeys>> {
    const keys: Record<string, ArtifactSigningKeys> = {};
    for (const { name, policy } of proxy.policies) {
      if (policy.type !== 'policy-auth-jwt') continue;
      keys[name] =
        policy.keyStoreName === undefined
          ? await this.signingKeys.keyOf(environment, policy.jwtSignatureAlgorithm)
          : await this.projectKeys.keyOf(proxy.projectId, environment, {
              ...{ policyName: name, keyStoreName: policy.keyStoreName, algorithm: policy.jwtSignatureAlgorithm },
            });
    }
    return keys;
  }

  private async variablesOf(proxy: ActiveApiProxy, environmentId: string): Promise<Record<string, ArtifactVariable>> {
    const read = environmentVariablesOf(proxy.policies.map((placed) => placed.policy));
    if (read.size === 0) return {};
    const found = await this.database.query<{ name: string; entity_id: string }>(VARIABLES, [proxy.projectId]);
    const ids = new Map(found.rows.map((row) => [row.name, row.entity_id]));
    const named = [...ids].filter(([name]) => read.has(name));
    const values = await Promise.all(named.map(([, id]) => this.valueOf(id, environmentId)));
    return Object.fromEntries(
      named.flatMap(([name], index): [string, ArtifactVariable][] => {
        const value = values[index];
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  private async valueOf(variableId: string, environmentId: string): Promise<ArtifactVariable | undefined> {
    const { state } = await loadState(this.store, variableDecider, variableStream(variableId));
    const value = state.status === 'active' ? variableValueIn(state, environmentId) : undefined;
    return value && this.reveal(value);
  }

  private async reveal(value: VariableValue): Promise<ArtifactVariable> {
    if (value.kind === 'readable') return { value: value.value, secret: false };
    return { value: await this.vault.get(this.database, value.secretId), secret: true };
  }
}

/** An artifact's bytes and their name, which gateways find again. */
export function artifactText(artifact: ProxyArtifact, keys: ChannelKeys): { text: string; hash: string } {
  const text = canonicalJson(artifact);
  return { text, hash: artifactHash(keys, text) };
}
