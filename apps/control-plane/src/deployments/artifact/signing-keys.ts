import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { generateSigningKeyAside, type JwsAlgorithmName } from '#libs/jwt-engine';
import type { ArtifactSigningKeys } from '#libs/policy-contracts';
import { DATABASE, VAULT } from '../../injection-tokens.ts';
import {
  environmentDecider,
  environmentStream,
  requireEnvironment,
  type ActiveEnvironment,
} from '../../environments/domain/environment.decider.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { ownContext, UnitOfWork } from '../../persistence/unit-of-work.ts';

/** Each environment has one generated key per algorithm, made when a policy first needs it (contract 4.1). */
@Injectable()
export class SigningKeys {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  async keyOf(environment: ActiveEnvironment, algorithm: JwsAlgorithmName): Promise<ArtifactSigningKeys> {
    const known = environment.signingKeys[algorithm];
    const secretId = known?.jwk.secretId ?? (await this.generate(environment.environmentId, algorithm));
    const jwk = JSON.parse(await this.vault.get(this.database, secretId)) as Record<string, unknown>;
    return { signing: jwk, verification: [] };
  }

  /** When two deployers come at once the first key stays: the decider records no second one. */
  private async generate(environmentId: string, algorithm: JwsAlgorithmName): Promise<string> {
    const generated = await generateSigningKeyAside(algorithm);
    const context = ownContext(`signing-key-${algorithm}`);
    return this.units.run(context, async (unit) => {
      const streamId = environmentStream(environmentId);
      const { state } = await unit.load(environmentDecider, streamId);
      const known = requireEnvironment(state).signingKeys[algorithm];
      if (known !== undefined) return known.jwk.secretId;
      const jwk = await this.vault.put(unit.transaction, 'signing-key', JSON.stringify(generated.jwk));
      const { keyId } = generated;
      await unit.change(environmentDecider, streamId, { type: 'GenerateSigningKey', algorithm, keyId, jwk });
      return jwk.secretId;
    });
  }
}
