import { describeConfigChannel } from '../testing/index.ts';
import { InMemoryConfigChannel } from './in-memory-config-channel.ts';

describeConfigChannel('InMemoryConfigChannel', async () => {
  let nowMs = Date.UTC(2026, 0, 1);
  return {
    channel: new InMemoryConfigChannel(() => nowMs),
    passTime: async (ms) => {
      nowMs += ms;
    },
  };
});
