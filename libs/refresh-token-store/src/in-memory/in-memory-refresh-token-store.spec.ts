import fc from 'fast-check';
import { anyRules, anyStep, compareWithModel, describeRefreshTokenStore, someSubject } from '../testing/index.ts';
import { InMemoryRefreshTokenStore } from './in-memory-refresh-token-store.ts';

describeRefreshTokenStore('InMemoryRefreshTokenStore', () => new InMemoryRefreshTokenStore());

it('InMemoryRefreshTokenStore answers as the reference model in any order of steps', async () => {
  await fc.assert(
    fc.asyncProperty(anyRules, fc.array(anyStep, { maxLength: 40 }), async (rules, steps) => {
      await compareWithModel([new InMemoryRefreshTokenStore()], someSubject(), rules, steps);
    }),
    { numRuns: 300 },
  );
});
