import type { JsonObject } from '#libs/jwt-engine';
import type { AuthJwtContract } from '#libs/policy-contracts';
import { envelopeFault } from '../exchange/envelope-fault.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import type { CredentialStanding, LinkContext } from '../linking/link-context.ts';
import { whenAnswered, type Outcome } from '../linking/step.ts';

const UNKNOWN = 'Credentials are not known at the moment!';

type Refuse = (exchange: Exchange, reason: string) => Fault;
type CredentialCheck = (exchange: Exchange, claims: JsonObject, nowMs: number) => Outcome;

const unknownFault = (policy: string, { correlationId }: Exchange): Fault =>
  envelopeFault({
    status: 503,
    // The gateway's own codes stand in its `gateway-faults.ts`; this one is kept free there.
    code: 'GWD-017',
    text: UNKNOWN,
    correlationId,
    headers: [['Retry-After', '1']],
    policy,
    reason: 'credentials: not known',
    message: UNKNOWN,
  });

/**
 * In ACL mode, `managedFromThisPolicy:false`: whether the credential of a good token may use the proxy now (contract 5).
 * What is not known of it, because it cannot be read, `revocationCheck` judges as it does what is not known of revocations:
 * `lastKnown` lets the token pass, the others answer 503.
 *
 * @param refuse makes the 401
 */
export function linkCredentialCheck(contract: AuthJwtContract, context: LinkContext, refuse: Refuse): CredentialCheck {
  const { policyName, options, artifact } = context;
  if (contract.managedFromThisPolicy) return () => undefined;
  const { project, proxy } = artifact;
  const judge = (standing: CredentialStanding, exchange: Exchange): Fault | undefined => {
    if (standing === 'good') return undefined;
    if (standing !== 'unknown') return refuse(exchange, standing);
    return contract.revocationCheck === 'lastKnown' ? undefined : unknownFault(policyName, exchange);
  };
  return (exchange, { client_id: clientId, sub: subject }, nowMs) => {
    // RFC 9068 section 2.2 has both; what this environment signed without them is not of its token service.
    if (typeof clientId !== 'string' || typeof subject !== 'string') return refuse(exchange, 'unknown-credential');
    const { clientAddress } = exchange.request;
    const standing = options.credentials?.standingOf({ clientId, subject, project, proxy, clientAddress, nowMs });
    return whenAnswered(standing ?? 'unknown', (found) => judge(found, exchange));
  };
}
