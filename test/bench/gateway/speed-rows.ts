import { median } from '../event-store/figures.ts';
import type { BenchSite } from './bench-site.ts';
import { CLIENTS, DISTINCT_TOKENS, type BenchAlgorithm, type BenchTokens } from './bench-tokens.ts';
import { checkContestant, firstToken, type Contestant } from './contestant.ts';
import { startFastify } from './fastify-peer.ts';
import type { TestedGateway } from './gatewarden.ts';
import { startHaproxy } from './haproxy-peer.ts';
import type { BenchOptions } from './options.ts';
import { race, type RaceResult } from './race.ts';
import type { Round } from './rounds.ts';
import type { TableRow } from './table.ts';

/** Of the second one its own documentation's way, which is judged, and with its cache of verified tokens, which is off by default. */
type PeerName = 'HAProxy' | '@fastify/http-proxy' | '@fastify/http-proxy, cache on';

/** Work that is done by several in turns; `least` is by how much the gateway is to take less time than each; 0: for information. */
export interface SpeedRow {
  readonly name: string;
  /** Absent: nothing is checked. */
  readonly algorithm?: BenchAlgorithm;
  readonly doTokensRepeat: boolean;
  readonly least: Readonly<Partial<Record<PeerName, number>>>;
}

export const SPEED_ROWS: readonly SpeedRow[] = [
  {
    ...{ name: 'rs256-repeating', algorithm: 'RS256', doTokensRepeat: true },
    least: { HAProxy: 1.5, '@fastify/http-proxy': 2.5, '@fastify/http-proxy, cache on': 0 },
  },
  { name: 'es256-repeating', algorithm: 'ES256', doTokensRepeat: true, least: { HAProxy: 2.5 } },
  {
    ...{ name: 'rs256-first-seen', algorithm: 'RS256', doTokensRepeat: false },
    least: { HAProxy: 0.75, '@fastify/http-proxy': 1.7 },
  },
  { name: 'plain', doTokensRepeat: true, least: { HAProxy: 0.55 } },
];

/** Where the gateway serves the work of a row: its proxies are called so. */
export const proxyOf = ({ algorithm }: Pick<SpeedRow, 'algorithm'>): string => algorithm?.toLowerCase() ?? 'plain';

export interface SpeedGround {
  readonly site: BenchSite;
  readonly gateway: TestedGateway;
  readonly tokens: Readonly<Record<BenchAlgorithm, BenchTokens>>;
  readonly options: BenchOptions;
}

export const contestantOf = (gateway: TestedGateway, proxy: string): Contestant => ({
  ...{ name: 'Gatewarden', process: gateway.process, port: gateway.port, path: `/${proxy}/1` },
});

function startPeer(name: PeerName, site: BenchSite, tokens: BenchTokens | undefined): Promise<Contestant> {
  if (name === 'HAProxy') return startHaproxy(site, tokens);
  if (tokens === undefined) throw new Error(`${name} takes part only where tokens are checked`);
  return startFastify(site, name, tokens);
}

/** One line of the table for each peer of the row. */
export async function runSpeedRow(row: SpeedRow, { site, gateway, tokens, options }: SpeedGround): Promise<TableRow[]> {
  const ofRow = row.algorithm === undefined ? undefined : tokens[row.algorithm];
  const peers: Contestant[] = [];
  for (const name of Object.keys(row.least) as PeerName[]) peers.push(await startPeer(name, site, ofRow));
  const contestants = [contestantOf(gateway, proxyOf(row)), ...peers];
  for (const one of contestants) await checkContestant(one, ofRow, ofRow && firstToken(ofRow));
  const count = row.doTokensRepeat ? CLIENTS : DISTINCT_TOKENS;
  const inTurn = ofRow === undefined ? {} : { tokens: { tokens: ofRow, count } };
  const result = await race(site, contestants, { ...inTurn, options, distinctTokens: DISTINCT_TOKENS });
  for (const { process } of peers) await process.stop();
  return peers.map((peer, index) => lineOf(row, peer, result, index + 1));
}

function lineOf(row: SpeedRow, peer: Contestant, { medians, rounds, pace, voided }: RaceResult, at: number): TableRow {
  const [ours, theirs] = [medians[0]!, medians[at]!];
  const least = row.least[peer.name as PeerName] ?? NaN;
  const [mine = [], beside = []] = [rounds[0], rounds[at]];
  // Each round is compared with its neighbour in time.
  const pairs = mine
    .slice(0, beside.length)
    .map((round, index) => beside[index]!.microsPerRequest / round.microsPerRequest);
  const ratio = median(pairs);
  const load = `${pace.connections} connections, pause ${pace.pauseMs} ms`;
  const voids = `${mine.length} rounds, void ${voided.load} (load) ${voided.foreign} (others)`;
  return {
    ...{
      work: row.name,
      beside: peer.name,
      wanted: least > 0 ? `≥ ${least} ×` : 'not judged',
      reached: `${ratio.toFixed(2)} ×`,
    },
    ...{
      isMet: least > 0 ? ratio >= least : undefined,
      ours: costOf(ours),
      theirs: costOf(theirs),
      notes: `${load}; ${voids}`,
    },
  };
}

const costOf = ({ microsPerRequest, requestsPerSecond, testedBusy, loadBusy }: Round): string =>
  `${microsPerRequest.toFixed(1)} µs, ${(requestsPerSecond / 1_000).toFixed(1)} k/s (${percent(testedBusy)} of its core, load ${percent(loadBusy)})`;

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
