import { randomBytes } from 'node:crypto';
import type http from 'node:http';
import { soakAsk, sha256, type SoakAnswer, type SoakQuestion } from './soak-ask.ts';
import type { SoakGround } from './soak-system.ts';

/** One client at one gateway. */
export interface Visit {
  readonly ground: SoakGround;
  readonly gatewayUrl: string;
  readonly kept: http.Agent;
  /** How often this client has done this kind of thing before. */
  readonly turn: number;
}

/** Something that clients do; @throws Error saying what was not as it should be. */
export type TrafficKind = (visit: Visit) => Promise<void>;

type Wishes = Partial<SoakQuestion> & { readonly path: string };

const ask = ({ gatewayUrl, kept }: Visit, { path, ...wishes }: Wishes): Promise<SoakAnswer> =>
  soakAsk({ agent: kept, ...wishes, url: `${gatewayUrl}${path}` });

function expectStatus(answer: SoakAnswer, ...wanted: readonly number[]): void {
  if (wanted.includes(answer.status)) return;
  throw new Error(`${answer.status} where ${wanted.join(' or ')} was to come: ${answer.text.slice(0, 200)}`);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Sends a body; what the upstream says that it got has to be the same. */
async function expectEcho(visit: Visit, wishes: Wishes & { readonly body: Buffer }): Promise<void> {
  const answer = await ask(visit, { method: 'POST', ...wishes });
  expectStatus(answer, 200);
  const { bytes, sha256: came } = JSON.parse(answer.text) as { bytes: number; sha256: string };
  if (came !== sha256(wishes.body)) throw new Error(`of ${wishes.body.length} bytes ${bytes} came, or others`);
}

async function expectBytes(visit: Visit, wishes: Partial<SoakQuestion>, count: number): Promise<void> {
  const answer = await ask(visit, { path: `/plain/bytes?n=${count}`, ...wishes });
  expectStatus(answer, 200);
  if (answer.bytes !== count) throw new Error(`of ${count} bytes ${answer.bytes} came`);
}

/** A form-encoded request to the token endpoint. */
const tokenCall = (visit: Visit, form: Readonly<Record<string, string>>): Promise<SoakAnswer> =>
  ask(visit, {
    ...{ path: '/auth/jwt', method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    body: Buffer.from(new URLSearchParams({ ...form, ...visit.ground.client }).toString()),
  });

const tokensIn = (answer: SoakAnswer) => JSON.parse(answer.text) as { access_token: string; refresh_token: string };
const pick = <Item>(items: readonly Item[], turn: number): Item => items[turn % items.length]!;

export const TRAFFIC_KINDS: Readonly<Record<string, TrafficKind>> = {
  'over a kept connection': async (visit) => expectStatus(await ask(visit, { path: '/plain/echo' }), 200),
  'over a fresh connection': async (visit) =>
    expectStatus(await ask(visit, { path: '/plain/echo', agent: false, headers: { connection: 'close' } }), 200),
  HEAD: async (visit) => expectStatus(await ask(visit, { path: '/plain/bytes?n=1000', method: 'HEAD' }), 200),
  'no content': async (visit) => {
    const status = pick([204, 304], visit.turn);
    expectStatus(await ask(visit, { path: `/plain/status?n=${status}` }), status);
  },
  'no proxy': async (visit) => expectStatus(await ask(visit, { path: '/nobody/1' }), 404),
  'a body of known length': (visit) =>
    expectEcho(visit, { path: '/plain/echo', body: randomBytes(pick([1, 900, 70_000, 300_000], visit.turn)) }),
  'a body in chunks': (visit) =>
    expectEcho(visit, { path: '/plain/echo', body: randomBytes(120_000), chunkBytes: pick([500, 33_000], visit.turn) }),
  'a large answer': (visit) => expectBytes(visit, {}, 3_000_000),
  'a large answer, read slowly': (visit) => expectBytes(visit, { slowMs: 10, agent: false }, 4_000_000),
  'an answer in drops': async (visit) => expectStatus(await ask(visit, { path: '/plain/trickle?n=10' }), 200),
  'a client that leaves': async (visit) =>
    expectStatus(await ask(visit, { path: '/plain/bytes?n=9000000', agent: false, leaveAt: 'head' }), 200),
  'a good token': async (visit) => {
    const headers = bearer(pick(visit.ground.tokens.good, visit.turn));
    expectStatus(await ask(visit, { path: '/verified/echo', headers }), 200);
  },
  'a bad token': async (visit) => {
    const headers = bearer(pick(visit.ground.tokens.bad, visit.turn));
    expectStatus(await ask(visit, { path: '/verified/echo', headers }), 401);
  },
  'no token': async (visit) => expectStatus(await ask(visit, { path: '/verified/echo' }), 401),
  'a login, its token, a refresh': async (visit) => {
    const login = await tokenCall(visit, { grant_type: 'client_credentials' });
    expectStatus(login, 200);
    const { access_token: token, refresh_token: refresh } = tokensIn(login);
    expectStatus(await ask(visit, { path: '/login/echo', headers: bearer(token) }), 200);
    const refreshed = await tokenCall(visit, { grant_type: 'refresh_token', refresh_token: refresh });
    expectStatus(refreshed, 200);
    expectStatus(await ask(visit, { path: '/login/echo', headers: bearer(tokensIn(refreshed).access_token) }), 200);
  },
  'a proxy that changes': async (visit) => {
    const answer = await ask(visit, { path: '/changed/1' });
    expectStatus(answer, 200);
    if (!/^change \d+$/.test(answer.text)) throw new Error(`not of any change: ${answer.text.slice(0, 200)}`);
  },
  'an upstream that is away': async (visit) => expectStatus(await ask(visit, { path: '/away/1' }), 502, 503),
  'an upstream that breaks off': async (visit) => expectStatus(await ask(visit, { path: '/broken/broken' }), 502, 503),
};
