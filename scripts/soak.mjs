// npm run soak [-- --minutes 10]: builds what is missing, then lets mixed traffic through two gateways while their
// configuration changes every second, and says what was not as it had to be. See test/soak.
import { runWithNumbers } from './source-run.mjs';

const help = `npm run soak [-- options]

  --minutes <number>   how long there is traffic (10); starting and stopping come on top

It ends with 1 when any answer was not the one that had to come, or when memory or sockets of a gateway grew: the heap is
judged from 10 seconds on, all else from 3 minutes on. Ctrl-C ends the traffic, judges what was done until then, and stops
all that was started.`;

await runWithNumbers({
  main: 'test/soak/soak.main.ts',
  help,
  numbers: { minutes: { standard: () => '10', least: 0.1, most: 24 * 60 } },
});
