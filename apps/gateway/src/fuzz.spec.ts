import { itHoldsFor } from '../../../test/fuzz/describe-targets.ts';
import { GATEWAY_TARGETS } from '../../../test/fuzz/gateway-targets.ts';

describe('random and spoilt bytes from clients and from disk', () => {
  itHoldsFor(GATEWAY_TARGETS, 500);
});
