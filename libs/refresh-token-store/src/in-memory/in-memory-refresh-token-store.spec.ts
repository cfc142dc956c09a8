import fc from 'fast-check';
import {
  GATEWAY,
  anyRules,
  anyStep,
  compareWithModel,
  describeRefreshTokenStore,
  someSubject,
} from '../testing/index.ts';
import { InMemoryRefreshTokenStore } from './in-memory-refresh-token-store.ts';

describeRefreshTokenStore('InMemoryRefreshTokenStore', () => new InMemoryRefreshTokenStore({ gatewayId: GATEWAY }));

it('InMemoryRefreshTokenStore answers as the reference model in any order of steps', async () => {
  await fc.assert(
    fc.asyncProperty(anyRules, fc.array(anyStep, { maxLength: 40 }), async (rules, steps) => {
      const store = new InMemoryRefreshTokenStore();
      const gateways = [0, 4_000, -3_000].map((aheadMs) => ({ store, aheadMs }));
      await compareWithModel(gateways, someSubject(), rules, steps);
    }),
    { numRuns: 300 },
  );
});
