import { PassThrough } from 'node:stream';
import type { LinkedRoute } from '#libs/policy-runtime';
import type { UpstreamCall } from '../upstream/upstream-call.ts';
import type { ClientAnswer, ClientUpgrade } from './client-exchange.ts';
import { PassedHeads } from './passed-head.ts';
import { type RelayContext, ResponseRelay } from './response-relay.ts';

/** A route whose response policies have not decided before `decide` is called. */
function undecidedRelay() {
  let [decide, drained] = [(): void => undefined, (): void => undefined];
  const verdict = new Promise<undefined>((resolve) => (decide = () => resolve(undefined)));
  const route = { hasResponsePipeline: true, runResponse: () => verdict } as unknown as LinkedRoute;
  const answer = { onDrain: (listener: () => void) => (drained = listener), begin: () => undefined };
  const relay = new ResponseRelay({
    answer: answer as unknown as ClientAnswer,
    route,
    heads: new PassedHeads(),
    exchange: {},
    correlationId: 'c',
    nowMs: () => 0,
    shapeHeaders: undefined,
  } as unknown as RelayContext);
  const said: string[] = [];
  const call = { pause: () => said.push('pause'), resume: () => said.push('resume') };
  relay.attach(call as unknown as UpstreamCall);
  return { relay, said, decide: () => decide(), drain: () => drained() };
}

it('a relay whose policies decide takes nothing of the body, even when its client takes more again', async () => {
  const { relay, said, decide, drain } = undecidedRelay();
  relay.started(200, 'OK', []);
  drain();
  expect(said).toEqual(['pause']);
  decide();
  await Promise.resolve();
  await Promise.resolve();
  expect(said).toEqual(['pause', 'resume']);
  drain();
  expect(said).toEqual(['pause', 'resume', 'resume']);
});

it.each([
  ['refuses the request when it had not begun to answer', false, ['upstreamBroken']],
  ['breaks its connection off when it had', true, ['broken off']],
])('a relay whose client cannot take an upgraded connection %s', (_what, isBegun, expected) => {
  const said: string[] = [];
  const upgrade: ClientUpgrade = {
    protocol: 'websocket',
    accept: () => {
      throw new Error('not taken');
    },
  };
  const relay = new ResponseRelay({
    answer: { isBegun, breakOff: () => said.push('broken off') } as unknown as ClientAnswer,
    upgrade,
    correlationId: 'c',
    onRefusal: ({ name }: { name: string }) => said.push(name),
  } as unknown as RelayContext);
  expect(() => relay.upgraded('', [], new PassThrough(), Buffer.alloc(0))).toThrow('not taken');
  relay.failed({ kind: 'broken', reason: 'Error' });
  relay.failed({ kind: 'broken', reason: 'Error' });
  expect(said).toEqual(expected);
});
