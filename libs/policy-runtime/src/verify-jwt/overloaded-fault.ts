import { envelopeFault } from '../exchange/envelope-fault.ts';
import type { Fault } from '../exchange/fault.ts';

const OVERLOADED = 'Too many tokens wait to be decrypted!';

/** A 503 and no word about the token: it was not judged. The gateway's own codes stand in its `gateway-faults.ts`. */
export function overloadedFault(policyName: string, correlationId: string): Fault {
  return envelopeFault({
    status: 503,
    code: 'GWD-016',
    text: OVERLOADED,
    correlationId,
    headers: [['Retry-After', '1']],
    policy: policyName,
    reason: 'decryption: no place in the queue',
    message: OVERLOADED,
  });
}
