import type { AuthJwtContract } from '#libs/policy-contracts';
import { envelopeFault } from '../exchange/envelope-fault.ts';
import type { Fault } from '../exchange/fault.ts';
import type { LinkContext } from '../linking/link-context.ts';

const UNKNOWN = 'Revoked tokens are not known at the moment!';

function whyUnknown({ revocationCheck, revocationStaleSeconds = 0 }: AuthJwtContract, { options }: LinkContext) {
  const { revocations } = options;
  switch (revocationCheck) {
    case 'lastKnown':
      return () => undefined;
    case 'closed':
      return () => (revocations?.isLive === true ? undefined : 'revocations: not connected');
    case 'boundedStale': {
      const limitMs = revocationStaleSeconds * 1_000;
      // Between two looks at a Redis that is connected knowledge may be older than a bound of one second.
      const isRecent = () => revocations !== undefined && (revocations.isLive || revocations.ageMs <= limitMs);
      return () => (isRecent() ? undefined : 'revocations: known too long ago');
    }
  }
}

/**
 * Whether the gateway knows enough of revoked tokens to let a good one pass (`revocationCheck`, contract 4.1). When it
 * does not, that is a 503 and no word about the token.
 */
export function linkRevocationCheck(
  contract: AuthJwtContract,
  context: LinkContext,
): (correlationId: string) => Fault | undefined {
  const check = whyUnknown(contract, context);
  return (correlationId) => {
    const reason = check();
    if (reason === undefined) return undefined;
    return envelopeFault({
      status: 503,
      // The gateway's own codes stand in its `gateway-faults.ts`; this one is kept free there.
      code: 'GWD-015',
      text: UNKNOWN,
      correlationId,
      headers: [['Retry-After', '1']],
      policy: context.policyName,
      reason,
      message: UNKNOWN,
    });
  };
}
