import type { TransportFailure } from './transport.ts';

/** Why an upstream gave no (complete) answer, after the last attempt. `reason` is for logs. */
export type UpstreamFailure = Pick<TransportFailure, 'kind' | 'reason'>;
