import { Injectable } from '@nestjs/common';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { IdentityTelling } from './identity-telling.ts';
import { RevocationTelling } from './revocation-telling.ts';

/** Tells an environment what it is to hear of beside its proxies. */
@Injectable()
export class EnvironmentTelling {
  constructor(
    private readonly identities: IdentityTelling,
    private readonly revocations: RevocationTelling,
  ) {}

  /**
   * @returns why revocations could not be told: a ledger that is full holds up nothing else
   * @throws ChannelUnavailable
   */
  async tell(environment: EnvironmentChannel): Promise<Error | undefined> {
    const failure = await failureOf(this.revocations.tell(environment));
    await this.identities.tell(environment);
    return (await failureOf(this.revocations.tellOfOldSecrets(environment))) ?? failure;
  }
}

const failureOf = (work: Promise<void>): Promise<Error | undefined> =>
  work.then(
    () => undefined,
    (error: Error) => error,
  );
