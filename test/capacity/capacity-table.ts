import type { FanOut, ManyGateways, ManyProxies } from './measure-capacity.ts';

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} KB`;
const fanOutRows = (what: string, { half, all }: FanOut): [string, string][] => [
  [`${what}, until half of them applied it: median, p99`, `${ms(half.median)}, ${ms(half.p99)}`],
  [`${what}, until all of them applied it: median, p99`, `${ms(all.median)}, ${ms(all.p99)}`],
];

/** As a table that can be put into a page. */
export function capacityTable(gateways: ManyGateways, proxies: ManyProxies): string {
  const { idle, leases } = gateways;
  const rows: [string, string][] = [
    ['gateways in one environment', String(gateways.gateways)],
    ['connections to its Redis', String(gateways.connections)],
    ['memory of Redis for each gateway', kilobytes(gateways.redisBytesPerGateway)],
    ['nothing changes: commands a second', idle.commands.toFixed(0)],
    [
      'nothing changes: bytes a second to Redis, from it',
      `${kilobytes(idle.receivedBytes)}, ${kilobytes(idle.sentBytes)}`,
    ],
    ['nothing changes: cores of Redis', idle.cores.toFixed(3)],
    ...fanOutRows('one change', gateways.fanOut),
    [`the control plane reads ${leases.found} leases`, ms(leases.medianMs)],
    ['proxies in one environment', String(proxies.proxies)],
    ['published from nothing', `${(proxies.publishMs / 1_000).toFixed(1)} s`],
    ['memory of Redis for each proxy', kilobytes(proxies.redisBytesPerProxy)],
    [
      `a gateway without a copy reads ${proxies.join.found}`,
      `${(proxies.join.ms / 1_000).toFixed(1)} s, ${(proxies.join.sentBytes / 1e6).toFixed(1)} MB`,
    ],
    [`the control plane compares ${proxies.whole.found} with what is recorded`, ms(proxies.whole.ms)],
    ...fanOutRows('one change to one of them', proxies.fanOut),
  ];
  return ['| What | Measured |', '|---|---|', ...rows.map(([what, value]) => `| ${what} | ${value} |`)].join('\n');
}
