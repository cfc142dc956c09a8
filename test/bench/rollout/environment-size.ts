import { performance } from 'node:perf_hooks';
import { type Figure, median } from '../event-store/figures.ts';
import { BenchEnvironment, type BenchPlace } from './bench-environment.ts';

const FEW = 100;
const MANY = 5_000;
const WARM_UP_CHANGES = 50;
const CHANGES = 200;

/** One change with many proxies in the environment against one with few, in turn; each has one gateway. */
export async function measureSizes(place: BenchPlace): Promise<Figure[]> {
  const size = { gatewayCount: 1, processCount: 1 };
  const few = await BenchEnvironment.prepare(place, 'few', { ...size, proxies: FEW });
  const startedMs = performance.now();
  const many = await BenchEnvironment.prepare(place, 'many', { ...size, proxies: MANY });
  const tookSeconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  console.log(`${MANY} proxies created and deployed by apiops, and a gateway that joined: ${tookSeconds} s`);
  const times = { few: [] as number[], many: [] as number[] };
  for (let change = -WARM_UP_CHANGES; change < CHANGES; change += 1) {
    const fewMs = (await few.change(FEW)).enforcedMs;
    const manyMs = (await many.change(FEW)).enforcedMs;
    if (change < 0) continue;
    times.few.push(fewMs);
    times.many.push(manyMs);
  }
  await Promise.all([few.stop(), many.stop()]);
  const [fewMs, manyMs] = [median(times.few), median(times.many)];
  return [
    {
      what: `POST or PUT to enforced with ${MANY} proxies in the environment : with ${FEW}, medians`,
      ...{ bare: `${fewMs.toFixed(2)} ms`, ours: `${manyMs.toFixed(2)} ms`, ratio: manyMs / fewMs },
      target: { most: 1.3 },
    },
  ];
}
