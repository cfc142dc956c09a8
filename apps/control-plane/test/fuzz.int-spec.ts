import { itHoldsFor } from '../../../test/fuzz/describe-targets.ts';
import { APIOPS_REQUESTS } from '../../../test/fuzz/targets/apiops-requests.target.ts';

describe('random and spoilt requests at every route of the control plane', () => {
  itHoldsFor([APIOPS_REQUESTS], 250);
});
