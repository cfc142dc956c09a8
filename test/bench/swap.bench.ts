/**
 * What one change of the configuration costs a gateway that serves 5,000 proxies, beside one that serves 100: read and
 * linked, routed, its upstreams followed, by the gateway's own code as it is delivered. Read the ratios; exits with 1
 * when the median of a whole swap misses its target.
 *
 *     npm run bench -- swap
 */
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChangeRecord } from '#libs/config-distribution';
import { median, percentile } from './event-store/figures.ts';

const FEW = 100;
const MANY = 5_000;
const ROUNDS = 40;
const SWAPS_OF_A_ROUND = 50;
const LOOKUPS_OF_A_ROUND = 50_000;
const TARGET_RATIO = 1.3;
const NS_PER_MS = 1e6;
const US_PER_MS = 1e3;

type Outcome = { readonly applied: true } | { readonly applied: false; readonly reason: string };

/** Of the gateway, what is measured. */
interface Active {
  readonly current: { readonly router: { match(...question: readonly unknown[]): { readonly kind: string } } };
  apply(changes: readonly Change[]): ReadonlyMap<string, Outcome>;
}
interface Pool {
  follow(change: unknown): void;
  close(): Promise<void>;
}
interface Change {
  readonly change: ChangeRecord;
  readonly artifact: string;
}
type Linked = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** The gateway is an app: a benchmark enters it as it was built. */
const gatewayModule = async (file: string): Promise<any> =>
  import(pathToFileURL(path.join('dist/apps/gateway/src', file)).href);
const { ActiveGateway } = await gatewayModule('config-subscriber/active-gateway.js');
const { linkArtifact } = await gatewayModule('config-subscriber/link-artifact.js');
const { UpstreamPool } = await gatewayModule('upstream/upstream-pool.js');
const { NO_HEADERS } = await gatewayModule('router/header-rules.js');

const RULES = { environment: 'bench', rootContext: '', options: { faultCodes: 'documented' } };

const verifyJwt = (issuer: string) => ({
  name: 'check-token',
  policy: { type: 'policy-verify-jwt', algorithm: ['HS256'], secretKey: { ref: 'private.key' }, issuer },
});

/** A proxy with a path of its own on one of a few hosts, two upstream addresses and a policy. */
function changeOf(index: number, deployment: number): Change {
  const [proxy, proxyId] = [`proxy-${index}`, `id-${index}`];
  const artifact = {
    ...{ formatVersion: 1, project: 'shop', proxy, proxyId, revision: deployment, endpoints: [], signingKeys: {} },
    environment: { name: 'bench', tokenIssuer: 'https://issuer.bench', expiresInUnit: 'SECONDS' },
    route: { paths: [`/area-${index % 20}/${proxy}`], hosts: [`host-${index % 10}.test`], methods: [], headers: [] },
    upstream: {
      addresses: [1, 2].map((part) => ({ url: `http://10.0.${index % 200}.${part}:8080/${deployment}`, weight: 1 })),
      ...{ loadBalance: 'ROUND_ROBIN', connectTimeoutMs: 1_000, readTimeoutMs: 1_000, retryCount: 0 },
    },
    pipelines: { request: [verifyJwt(`issuer-${deployment}`)], response: [], error: [] },
    variables: { 'private.key': { value: 'a shared secret of at least thirty-two bytes', secret: true } },
  };
  const change: ChangeRecord = {
    ...{
      kind: 'artifact',
      proxyId,
      project: 'shop',
      proxy,
      deployment,
      revision: deployment,
      hash: `hash-${deployment}`,
    },
  };
  return { change, artifact: JSON.stringify(artifact) };
}

/** A gateway that serves so many proxies. */
class Served {
  readonly pool: Pool = new UpstreamPool();
  readonly active: Active = new ActiveGateway(RULES, {
    onSwap: (change: unknown) => this.pool.follow(change),
    onContest: () => undefined,
  });
  readonly startMs: number;
  private deployment: number;

  constructor(readonly proxies: number) {
    const changes = Array.from({ length: proxies }, (_, index) => changeOf(index, index + 1));
    const startedMs = performance.now();
    this.apply(changes);
    this.startMs = performance.now() - startedMs;
    this.deployment = proxies;
  }

  /** A change of some proxy, another each time. */
  nextChange(): Change {
    this.deployment += 1;
    return changeOf((this.deployment * 7_919) % this.proxies, this.deployment);
  }

  apply(changes: readonly Change[]): void {
    const outcomes = this.active.apply(changes);
    for (const [proxyId, outcome] of outcomes) {
      if (!outcome.applied) throw new Error(`${proxyId}: ${outcome.reason}`);
    }
  }

  lookUp(index: number): void {
    const proxy = (index * 7_919) % this.proxies;
    const path = `/area-${proxy % 20}/proxy-${proxy}/items/7`;
    const { kind } = this.active.current.router.match(`host-${proxy % 10}.test`, 'GET', path, NO_HEADERS);
    if (kind !== 'matched') throw new Error(`${path}: ${kind}`);
  }
}

function link({ change, artifact }: Change): void {
  const outcome: Linked = linkArtifact(change, artifact, RULES);
  if (!outcome.ok) throw new Error(outcome.reason);
}

/** Milliseconds of each run; what it needs is made before. */
function timesOf<Need>(count: number, prepare: (index: number) => Need, run: (need: Need) => void): number[] {
  const needs = Array.from({ length: count }, (_, index) => prepare(index));
  return needs.map((need) => {
    const startedMs = performance.now();
    run(need);
    return performance.now() - startedMs;
  });
}

/** Milliseconds of one lookup, over many. */
function lookupMs(served: Served): number {
  const startedMs = performance.now();
  for (let index = 0; index < LOOKUPS_OF_A_ROUND; index += 1) served.lookUp(index);
  return (performance.now() - startedMs) / LOOKUPS_OF_A_ROUND;
}

interface Line {
  readonly what: string;
  readonly perMs: number;
  readonly unit: string;
  readonly few: number[];
  readonly many: number[];
  readonly target?: number;
}

// The first one only warms up.
await new Served(FEW).pool.close();
const [few, many] = [new Served(FEW), new Served(MANY)];
const swaps: Line = { what: 'a whole swap', perMs: US_PER_MS, unit: 'µs', few: [], many: [], target: TARGET_RATIO };
const links: Line = { what: 'of it, reading and linking', perMs: US_PER_MS, unit: 'µs', few: [], many: [] };
const lookups: Line = { what: 'a lookup, after the swaps', perMs: NS_PER_MS, unit: 'ns', few: [], many: [] };
// Both in turn, round by round, so that whatever else the machine does falls on both. The first round only warms up.
for (let round = -1; round < ROUNDS; round += 1) {
  for (const served of [few, many]) {
    const side = served === few ? 'few' : 'many';
    const swapped = timesOf(
      SWAPS_OF_A_ROUND,
      () => served.nextChange(),
      (change) => served.apply([change]),
    );
    const linked = timesOf(SWAPS_OF_A_ROUND, () => served.nextChange(), link);
    const found = lookupMs(served);
    if (round < 0) continue;
    swaps[side].push(...swapped);
    links[side].push(...linked);
    lookups[side].push(found);
  }
}
const [cpu] = os.cpus();
console.log(`${os.cpus().length} x ${cpu?.model}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`);
const perProxy = (served: Served): string => ((served.startMs / served.proxies) * US_PER_MS).toFixed(0);
console.log(`all at once at the start: ${perProxy(few)} and ${perProxy(many)} µs for each proxy of ${FEW} and ${MANY}`);
console.log(`median / p99${' '.repeat(24)}${FEW} proxies         ${MANY} proxies        ratio of medians`);
for (const { what, perMs, unit, few: ofFew, many: ofMany, target } of [swaps, links, lookups]) {
  const cell = (times: readonly number[]): string =>
    `${(median(times) * perMs).toFixed(0)} / ${(percentile(times, 99) * perMs).toFixed(0)} ${unit}`.padEnd(20);
  const ratio = median(ofMany) / median(ofFew);
  const verdict = target === undefined ? '' : `   <= ${target} ${ratio <= target ? 'met' : 'MISSED'}`;
  console.log(`${what.padEnd(36)}${cell(ofFew)}${cell(ofMany)}${ratio.toFixed(2)}${verdict}`);
  if (target !== undefined && ratio > target) process.exitCode = 1;
}
await Promise.all([few.pool.close(), many.pool.close()]);
