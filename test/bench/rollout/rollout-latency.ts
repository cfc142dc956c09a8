import type { BenchServers } from '../bench-control-plane.ts';
import { type Figure, percentile } from '../event-store/figures.ts';
import { BenchEnvironment, type BenchPlace, type ChangeTimes } from './bench-environment.ts';
import { RolloutFloor, type FloorTimes } from './floor.ts';

const PROXIES = 100;
const GATEWAYS = 10;
/** Fewer than gateways: a machine with few cores would measure its scheduler with a process for each. */
const PROCESSES = 2;
const WARM_UP_CHANGES = 100;
/** The others get their policy when it counts: POST among the PUTs. */
const WARM_UP_PROXIES = 50;
const CHANGES = 400;

const milliseconds = (value: number): string => `${value.toFixed(2)} ms`;

function printParts(floors: readonly FloorTimes[]): void {
  const parts = { commitMs: '1 PostgreSQL commit', hopsMs: '4 Redis round trips', linkMs: '1 gateway link' } as const;
  const texts = Object.entries(parts).map(([part, name]) => {
    const times = floors.map((floor) => floor[part as keyof typeof parts]);
    return `${name} ${percentile(times, 50).toFixed(2)} (p99 ${percentile(times, 99).toFixed(2)})`;
  });
  console.log(`the floor in its parts, median in ms: ${texts.join(', ')}`);
}

/** Changes one after the other, each beside the floor of the same moment. */
export async function measureLatency(place: BenchPlace, servers: BenchServers): Promise<Figure[]> {
  const size = { proxies: PROXIES, gatewayCount: GATEWAYS, processCount: PROCESSES };
  const environment = await BenchEnvironment.prepare(place, 'latency', size);
  for (let change = 0; change < WARM_UP_CHANGES; change += 1) await environment.change(WARM_UP_PROXIES);
  const floor = await RolloutFloor.prepare(servers, environment);
  const changes: ChangeTimes[] = [];
  const floors: FloorTimes[] = [];
  for (let change = 0; change < CHANGES; change += 1) {
    floors.push(await floor.measure());
    changes.push(await environment.change(PROXIES));
  }
  await floor.stop();
  await environment.stop();
  console.log(`${CHANGES} changes, ${GATEWAYS} gateways in ${PROCESSES} processes, ${PROXIES} proxies`);
  printParts(floors);
  const figure = (percent: number, until: string, times: readonly number[]): Omit<Figure, 'target'> => {
    const ours = percentile(times, percent);
    const bare = percentile(
      floors.map(({ totalMs }) => totalMs),
      percent,
    );
    const what = `POST or PUT of a policy to ${until}, p${percent} : floor`;
    return { what, bare: milliseconds(bare), ours: milliseconds(ours), ratio: ours / bare };
  };
  const enforced = changes.map(({ enforcedMs }) => enforcedMs);
  const answered = changes.map(({ answeredMs }) => answeredMs);
  const everywhere = `enforced on all of ${GATEWAYS} gateways`;
  return [
    figure(50, everywhere, enforced),
    { ...figure(99, everywhere, enforced), target: { most: 5 } },
    figure(50, 'its answer', answered),
    figure(99, 'its answer', answered),
  ];
}
