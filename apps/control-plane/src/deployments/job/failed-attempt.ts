import { ChannelUnavailable } from '#libs/config-distribution';
import { SecretUnavailable } from '../../persistence/secret-vault.ts';

/** Gateways have not all answered yet: the queue runs the job again, which asks again. */
export class AnswersPending extends Error {
  readonly code = 'ANSWERS_PENDING';
  constructor(environment: string) {
    super(`not all gateways of ${environment} have answered yet`);
    this.name = 'AnswersPending';
  }
}

/** Redis claims again and again what was never given out: somebody else writes there. */
export class HeadDisputed extends Error {
  readonly code = 'HEAD_DISPUTED';
  constructor(environment: string) {
    super(`somebody else writes to the Redis of environment ${environment}`);
    this.name = 'HeadDisputed';
  }
}

/** Why a deployment could not be carried out for now, in words that may be shown: no secrets, no addresses. */
export function reasonToShow(error: unknown): string {
  const isShowable =
    error instanceof ChannelUnavailable || error instanceof SecretUnavailable || error instanceof HeadDisputed;
  return isShowable ? error.message : 'an unexpected failure, see the log of the control plane';
}
