import { randomBytes, randomUUID } from 'node:crypto';
import { sha256, type SoakAnswer, type SoakQuestion } from './soak-ask.ts';
import { MARKER_STATUSES, type SoakGround } from './soak-system.ts';
import { bytesOf, dropsOf, REFUSED, REQUEST_ID } from './soak-upstream.ts';

/** What one client does once at one gateway. */
export interface Visit {
  readonly ground: SoakGround;
  readonly gatewayId: string;
  readonly gatewayUrl: string;
  /** How often this client has done this kind of thing before. */
  readonly turn: number;
  /** @throws Error when no whole answer comes */
  readonly ask: (question: SoakQuestion) => Promise<SoakAnswer>;
}

/** Something that clients do; @throws Error saying what was not as it should be. */
export type TrafficKind = (visit: Visit) => Promise<void>;

const text = ({ body }: SoakAnswer): string => body.toString('utf8', 0, Math.min(body.length, 4_096));

/** Exactly this status, from the upstream: with the mark of this request, not of another one. */
async function expectPassed(visit: Visit, status: number, question: SoakQuestion): Promise<SoakAnswer> {
  const id = randomUUID();
  const answer = await visit.ask({ ...question, headers: { ...question.headers, [REQUEST_ID]: id } });
  expectStatus(answer, status);
  const answered = String(answer.headers[REQUEST_ID]);
  if (answered !== id) throw new Error(`the answer to ${answered} where that to ${id} was to come`);
  return answer;
}

/** Exactly this status and this code, from the gateway; the upstream is not to see it. */
async function expectRefused(visit: Visit, status: number, code: string, question: SoakQuestion): Promise<void> {
  const answer = await visit.ask({ ...question, headers: { ...question.headers, [REFUSED]: 'yes' } });
  expectStatus(answer, status);
  if (!text(answer).includes(`"${code}"`)) throw new Error(`${code} was to come: ${text(answer)}`);
}

/** The upstream is to see it, and to give no answer. */
async function expectFailed(visit: Visit, status: number, code: string, path: string): Promise<void> {
  const answer = await visit.ask({ path });
  expectStatus(answer, status);
  if (!text(answer).includes(`"${code}"`)) throw new Error(`${code} was to come: ${text(answer)}`);
}

function expectStatus(answer: SoakAnswer, status: number): void {
  if (answer.status !== status) throw new Error(`${answer.status} where ${status} was to come: ${text(answer)}`);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Sends a body; what the upstream says that it got has to be the same. */
async function expectEcho(visit: Visit, question: SoakQuestion & { readonly body: Buffer }): Promise<void> {
  const answer = await expectPassed(visit, 200, { method: 'POST', ...question });
  const { method, bytes, sha256: came } = JSON.parse(text(answer)) as Record<string, unknown>;
  if (method === 'POST' && came === sha256(question.body)) return;
  throw new Error(`of POST with ${question.body.length} bytes ${String(method)} with ${String(bytes)} came, or others`);
}

const expected = new Map<number, Buffer>();

async function expectBytes(visit: Visit, count: number, wishes: Partial<SoakQuestion>): Promise<void> {
  const { body } = await expectPassed(visit, 200, { path: `/plain/bytes?n=${count}`, ...wishes });
  const wanted = expected.get(count) ?? bytesOf(count);
  expected.set(count, wanted);
  if (!body.equals(wanted)) throw new Error(`of ${count} bytes ${body.length} came, or others`);
}

async function expectHeadOnly(visit: Visit): Promise<void> {
  const { headers, body } = await expectPassed(visit, 200, { path: '/plain/bytes?n=1000', method: 'HEAD' });
  if (headers['content-length'] === '1000' && body.length === 0) return;
  throw new Error(`content-length ${String(headers['content-length'])} and ${body.length} bytes came`);
}

async function expectDrops(visit: Visit): Promise<void> {
  const answer = await expectPassed(visit, 200, { path: '/plain/trickle?n=10' });
  if (text(answer) !== dropsOf(10)) throw new Error(`not all drops came: ${text(answer)}`);
}

/** The status and the text of one change, none older than what was deployed or seen at this gateway before. */
export async function expectMarker({ ask, ground: { markers }, gatewayId }: Visit): Promise<void> {
  const oldest = markers.oldestAt(gatewayId);
  const answer = await ask({ path: '/changed/1' });
  const number = Number(/^change (\d+)$/.exec(text(answer))?.[1]);
  if (!(number >= oldest && number <= markers.asked)) {
    throw new Error(`change ${oldest} to ${markers.asked} was to come: ${answer.status} ${text(answer)}`);
  }
  expectStatus(answer, pick(MARKER_STATUSES, number));
  markers.seen(gatewayId, number);
}

/** A form-encoded request to the token endpoint. */
async function tokenCall(visit: Visit, form: Readonly<Record<string, string>>) {
  const answer = await visit.ask({
    ...{ path: '/auth/jwt', method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    body: Buffer.from(new URLSearchParams({ ...form, ...visit.ground.client }).toString()),
  });
  expectStatus(answer, 200);
  return JSON.parse(text(answer)) as { access_token: string; refresh_token: string };
}

async function expectLogin(visit: Visit): Promise<void> {
  const login = await tokenCall(visit, { grant_type: 'client_credentials' });
  await expectPassed(visit, 200, { path: '/login/echo', headers: bearer(login.access_token) });
  const refreshed = await tokenCall(visit, { grant_type: 'refresh_token', refresh_token: login.refresh_token });
  await expectPassed(visit, 200, { path: '/login/echo', headers: bearer(refreshed.access_token) });
}

export const pick = <Item>(items: readonly Item[], turn: number): Item => items[turn % items.length]!;

/** Of HTTP of any version. */
export const TRAFFIC_KINDS: Readonly<Record<string, TrafficKind>> = {
  HEAD: expectHeadOnly,
  'no content': async (visit) => {
    const status = pick([204, 304], visit.turn);
    await expectPassed(visit, status, { path: `/plain/status?n=${status}` });
  },
  'no proxy': (visit) => expectRefused(visit, 404, 'ERR-002', { path: '/nobody/1' }),
  'a body of known length': (visit) =>
    expectEcho(visit, { path: '/plain/echo', body: randomBytes(pick([1, 900, 70_000, 300_000], visit.turn)) }),
  'a body in chunks': (visit) =>
    expectEcho(visit, { path: '/plain/echo', body: randomBytes(120_000), chunkBytes: pick([500, 33_000], visit.turn) }),
  'a large answer': (visit) => expectBytes(visit, 1_000_000, {}),
  'a large answer, read slowly': (visit) => expectBytes(visit, 1_500_000, { slowMs: 10, isAlone: true }),
  'an answer in drops': expectDrops,
  'a client that leaves': async (visit) => {
    await expectPassed(visit, 200, { path: '/plain/bytes?n=9000000', isAlone: true, leaveAt: 'head' });
  },
  'a good token': async (visit) => {
    const headers = bearer(pick(visit.ground.tokens.good, visit.turn));
    await expectPassed(visit, 200, { path: '/verified/echo', headers });
  },
  'a bad token': (visit) => {
    const { token, fault } = pick(visit.ground.tokens.bad, visit.turn);
    return expectRefused(visit, 401, fault, { path: '/verified/echo', headers: bearer(token) });
  },
  'no token': (visit) => expectRefused(visit, 401, 'steps.jwt.FailedToResolveVariable', { path: '/verified/echo' }),
  'a login, its token, a refresh': expectLogin,
  'a proxy that changes': expectMarker,
  'an upstream that is away': (visit) => expectFailed(visit, 502, 'GWD-009', '/away/1'),
  'an upstream that breaks off': (visit) => expectFailed(visit, 502, 'GWD-011', '/broken/broken'),
};

/** What HTTP/2 has no counterpart of. */
export const HTTP1_KINDS: Readonly<Record<string, TrafficKind>> = {
  'over a kept connection': async (visit) => {
    const { cameByKept } = await expectPassed(visit, 200, { path: '/plain/echo' });
    if (visit.turn > 0 && cameByKept !== true) throw new Error('the connection was not kept');
  },
  'over a fresh connection': async (visit) => {
    await expectPassed(visit, 200, { path: '/plain/echo', isAlone: true });
  },
};
