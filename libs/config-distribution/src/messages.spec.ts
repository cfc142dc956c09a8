import { randomBytes } from 'node:crypto';
import { openLease } from './messages.ts';
import { ChannelKeys } from './sealing/sealed-box.ts';

it('reads the lease of a gateway of an earlier build, which says nothing of what is unsettled', () => {
  const keys = new ChannelKeys('production', randomBytes(32));
  const state = {
    ...{ gatewayId: 'g', programVersion: '0', address: 'a', startedAt: 's', deployment: 3 },
    ...{ loaded: null, handled: [3], rejected: [] },
  };
  const sealed = keys.seal({ purpose: 'lease', subject: 'g', version: 1 }, JSON.stringify(state));
  expect(openLease(keys, { gatewayId: 'g', sealed })).toEqual({ ...state, unsettled: [] });
});
