import {
  NOT_IN_WRITES,
  prepareForWrites,
  writesOn,
  writesServedBy,
  type WriteEnvironments,
} from './testing/every-write.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

let plane: RunningControlPlane;
let gateway: FakeGateway;
let environments: WriteEnvironments;

/** The answer without what is shown once, and without what says so. */
const shownAgain = ({ text }: Answer): unknown =>
  JSON.parse(text, (name, value: unknown) =>
    ['token', 'gatewayKey', 'secretKey', 'secretAlreadyShown'].includes(name) ? undefined : value,
  );

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  const environment = await plane.environment();
  gateway = await FakeGateway.admitted(plane.redis, environment);
  await gateway.appliesEverything();
  environments = await prepareForWrites(plane, environment.name);
});
afterAll(async () => {
  await gateway.ends();
  await plane.close();
});

describe('every write', () => {
  it('with an Idempotency-Key is done once and answered twice alike', async () => {
    const served = new Set(writesServedBy(plane));
    const wrong: unknown[] = [];
    for (const [index, prepare] of writesOn(plane, environments).entries()) {
      const { method, route, path, body } = await prepare();
      const name = `${method} ${route}`;
      if (!served.delete(name)) continue;
      const headers = { 'idempotency-key': `write-${index}` };
      const first = await plane.call(method, path, body, headers);
      const before = await plane.events();
      const again = await plane.call(method, path, body, headers);
      const after = await plane.events();
      const own = (events: typeof after) => events.filter(({ metadata }) => metadata['actor'] === 'admin').length;
      const isAlike = JSON.stringify(shownAgain(first)) === JSON.stringify(shownAgain(again));
      const isReplayed = again.headers['idempotency-replayed'] === 'true';
      if (first.status !== 200 || !isReplayed || !isAlike || own(after) !== own(before)) {
        wrong.push({ name, first: first.text, again: again.text, isReplayed });
      }
    }
    expect(wrong).toEqual([]);
    expect([...served].filter((name) => !NOT_IN_WRITES.includes(name))).toEqual([]);
  });
});
