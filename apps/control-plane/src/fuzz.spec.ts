import { CONTROL_PLANE_TARGETS } from '../../../test/fuzz/control-plane-targets.ts';
import { itHoldsFor } from '../../../test/fuzz/describe-targets.ts';

describe('random and spoilt policies, as bodies of a request', () => {
  itHoldsFor(CONTROL_PLANE_TARGETS, 700);
});
