/**
 * What a token costs: time on the processors (user and system, of every thread, as the kernel counts it) that the gateway
 * takes for one, beside a bare node:http server that reads a form, makes one call of a Lua script and one HMAC for it,
 * and beside oidc-provider with a Redis adapter. All of them are processes of their own with one Redis, in turns, within
 * one run. Read the ratios of tokens per second and core (1: no difference), not the microseconds.
 *
 *     npm run bench -- token-service
 *
 * Compared is the server's own time: not Redis', not that of the clients, and no password check (scrypt, some 50 ms, is
 * the price of a password and the same for everybody). The gateway is as delivered: it reads its client from Redis,
 * sealed, checks its secret, looks at what was revoked, writes its log, counts its metrics, and follows its configuration
 * beside it. The bare server does none of that. Of oidc-provider two ways are run: HS256 JWTs for clients that it reads from
 * Redis, which is the same work and what is judged, and opaque tokens kept in Redis for clients of its configuration.
 *
 * A missed target is printed, and exits with 1.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startRedis } from '#libs/embedded-servers';
import { freePortsInARow } from '#libs/program-shell/testing';
import { isMet, median, printTable, type Figure } from './event-store/figures.ts';
import { PASSWORD, SECRET, startBenchGateway, type PROXIES } from './token-service/bench-gateway.ts';
import { MeasuredProcess } from './token-service/measured-process.ts';
import { TokenLoad } from './token-service/token-load.ts';

const CONNECTIONS = 16;
const ROUNDS = 61;
/** The first rounds, in which everything is still being compiled. */
const WARM_UP = 15;
const TOKENS_PER_ROUND = 400;
const USERS = Array.from({ length: CONNECTIONS }, (_none, index) => `user-${index}`);

interface Contestant {
  readonly name: string;
  readonly server: MeasuredProcess;
  readonly load: TokenLoad;
  readonly work: (client: number) => Promise<unknown>;
  /** Microseconds of its server for a token, by round. */
  readonly micros: number[];
}

const formOf = (client: string) => ({ client_id: client, client_secret: SECRET });
const service = (client: string) => ({ grant_type: 'client_credentials', ...formOf(client) });

const contestant = (
  name: string,
  server: MeasuredProcess,
  load: TokenLoad,
  work: (client: number) => Promise<unknown>,
): Contestant => ({ name, server, load, work, micros: [] });

/** Every client refreshes the login of a user of its own, each time with what it was given last. */
async function refreshing(load: TokenLoad): Promise<(client: number) => Promise<void>> {
  const login = (username: string) =>
    load.ask({ grant_type: 'password', ...formOf('login'), username, password: PASSWORD });
  const held: (string | undefined)[] = [];
  for (const username of USERS) held.push((await login(username)).refresh_token);
  return async (client) => {
    const form = { grant_type: 'refresh_token', ...formOf('login'), refresh_token: held[client] ?? '' };
    held[client] = (await load.ask(form)).refresh_token;
  };
}

async function race(contestants: readonly Contestant[]): Promise<void> {
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    for (const { server, load, work, micros } of contestants) {
      const before = server.cpuMicros();
      await load.run(TOKENS_PER_ROUND, work);
      if (round >= WARM_UP) micros.push((server.cpuMicros() - before) / TOKENS_PER_ROUND);
    }
  }
}

/** Median over the rounds, each compared with its neighbour in time. */
const throughputRatio = (of: Contestant, against: Contestant): number =>
  median(of.micros.map((micros, round) => (against.micros[round] ?? NaN) / micros));

function figure(ours: Contestant, against: Contestant, least?: number): Figure {
  const cost = ({ micros }: Contestant): string => `${median(micros).toFixed(0)} µs`;
  const what = `${ours.name}, beside ${against.name}`;
  const compared = { what, bare: cost(against), ours: cost(ours), ratio: throughputRatio(ours, against) };
  return least === undefined ? compared : { ...compared, target: { least } };
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-bench-'));
const redis = await startRedis({ dataDir: directory, appendOnly: false });
const [port = 0, adminPort = 0, barePort = 0, opaquePort = 0, jwtPort = 0] = await freePortsInARow(5);
const started: MeasuredProcess[] = [];
const loads: TokenLoad[] = [];
const keep = (server: MeasuredProcess): MeasuredProcess => (started.push(server), server);
const loadOf = (at: number, where: string): TokenLoad => {
  const load = new TokenLoad(`http://127.0.0.1:${at}`, where, CONNECTIONS);
  loads.push(load);
  return load;
};

try {
  const { url: redisUrl } = redis;
  const client = { clientId: 'service', secret: SECRET };
  const gateway = keep(await startBenchGateway({ redisUrl, directory, port, adminPort }, USERS));
  const bareServer = keep(await MeasuredProcess.ofBench('bare-server.ts', { redisUrl, port: barePort }));
  const provider = async (kind: 'opaque' | 'jwt', at: number) =>
    keep(await MeasuredProcess.ofBench('provider-server.ts', { redisUrl, port: at, kind, ...client }));
  const load = loadOf(port, '/auth/jwt');
  const at = (proxy: keyof typeof PROXIES) => () => load.ask(service(proxy));
  const byForm = (where: TokenLoad) => () => where.ask(service('service'));
  const [bareLoad, opaqueLoad, jwtLoad] = [
    ...[loadOf(barePort, '/'), loadOf(opaquePort, '/token'), loadOf(jwtPort, '/token')],
  ] as [TokenLoad, TokenLoad, TokenLoad];
  const issued = contestant('client_credentials', gateway, load, at('service'));
  const withRefresh = contestant('the same with a refresh token', gateway, load, at('refreshing-service'));
  const refreshed = contestant('refresh', gateway, load, await refreshing(load));
  const bare = contestant('a bare Lua call and HMAC', bareServer, bareLoad, byForm(bareLoad));
  const opaque = contestant(
    'oidc-provider, opaque',
    await provider('opaque', opaquePort),
    opaqueLoad,
    byForm(opaqueLoad),
  );
  const jwt = contestant('oidc-provider, HS256 JWT', await provider('jwt', jwtPort), jwtLoad, byForm(jwtLoad));

  const [cpu] = os.cpus();
  console.log(`${os.cpus().length} x ${cpu?.model}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`);
  console.log(`${ROUNDS} rounds of ${TOKENS_PER_ROUND} tokens each, ${CONNECTIONS} connections; HS256`);
  console.log('Processor time of the server for a token; ratio: tokens per second and core, theirs is 1');
  console.log('oidc-provider is judged by its JWTs, with its client in Redis: the same work as ours\n');
  await race([issued, bare, refreshed, withRefresh, opaque, jwt]);
  const figures = [
    ...[figure(issued, bare, 0.5), figure(refreshed, bare, 0.5), figure(issued, jwt, 3)],
    ...[figure(issued, opaque), figure(withRefresh, bare)],
  ];
  printTable(figures);
  if (!figures.every(isMet)) process.exitCode = 1;
} finally {
  for (const load of loads) await load.close();
  for (const server of started) await server.stop();
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
}
