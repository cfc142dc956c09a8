import { describeKeySetShelf } from '../testing/index.ts';
import { InMemoryKeySetShelf } from './in-memory-key-set-shelf.ts';

const KEEP_MS = 100_000;

describeKeySetShelf('InMemoryKeySetShelf', KEEP_MS, async () => {
  const clock = { ms: 1_000_000 };
  return {
    shelf: new InMemoryKeySetShelf(KEEP_MS, () => clock.ms),
    passTime: async (ms) => void (clock.ms += ms),
  };
});
