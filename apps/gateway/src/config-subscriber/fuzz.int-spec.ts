import { itHoldsFor } from '../../../../test/fuzz/describe-targets.ts';
import { REDIS_CONTENTS } from '../../../../test/fuzz/targets/redis-contents.target.ts';

describe('everything that is read from a Redis that somebody else may write to', () => {
  itHoldsFor([REDIS_CONTENTS], 250);
});
