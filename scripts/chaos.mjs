// npm run chaos [-- --minutes 10 --seed 7]: builds what is missing, then changes policies while control plane, deployers,
// gateways and Redis are killed and started again, and says what was not kept. See test/chaos.
import { runWithNumbers } from './source-run.mjs';

const help = `npm run chaos [-- options]

  --minutes <number>   how long things are killed (10); starting and settling come on top
  --seed <number>      from 0 to 4294967295: what is killed and changed, and in which order (by chance)

It ends with 1 when something was not kept, and says what. Ctrl-C ends the killing, judges what was done until then, and
stops all that was started, which takes some seconds.`;

const SEEDS = 2 ** 32;

await runWithNumbers({
  main: 'test/chaos/chaos.main.ts',
  help,
  numbers: {
    minutes: { standard: () => '10', least: 0.1, most: 24 * 60 },
    seed: { standard: () => String(Math.floor(Math.random() * SEEDS)), least: 0, most: SEEDS - 1, isWhole: true },
  },
});
