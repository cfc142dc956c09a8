// npm run capacity [-- --gateways 1000 --proxies 100000]: what so many gateways and proxies cost a Redis. See test/capacity.
import { runWithNumbers } from './source-run.mjs';

const help = `npm run capacity [-- options]

  --gateways <number>  gateways in one environment (1000)
  --proxies <number>   proxies in another one (100000)
  --changes <number>   changes that are measured in each (100)

Starts a Redis of its own. Gateways are simulated, many in a process: their connections, looks, leases and what they
open are real; they link and serve nothing. 1,000 of them need 3,000 file descriptors (ulimit -n). Prints a table; ends
with 1 when not everything arrived.`;

await runWithNumbers({
  main: 'test/capacity/capacity.main.ts',
  help,
  numbers: {
    gateways: { standard: () => '1000', least: 1, most: 10_000, isWhole: true },
    proxies: { standard: () => '100000', least: 10, most: 1_000_000, isWhole: true },
    changes: { standard: () => '100', least: 1, most: 10_000, isWhole: true },
  },
});
