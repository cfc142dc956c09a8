import type { KeySetNote, LeaseState } from '#libs/config-distribution';
import type { EnvironmentDeploymentResult } from '../../deployment-requests/deployment-results.ts';
import { withPresentWarnings } from './present-warnings.ts';

const address = 'https://idp.test/jwks';
const note: KeySetNote = { proxyId: 'p', deployment: 7, address, state: 'failed', reason: 'unreachable ECONNREFUSED' };
const lease = (gatewayId: string, keySetNotes?: KeySetNote[]): LeaseState => ({
  ...{ gatewayId, programVersion: '1', address: '', startedAt: '', deployment: 7, loaded: null },
  ...{ handled: [], unsettled: [], rejected: [], keySetNotes },
});
const warning = (gatewayId: string) => ({ gatewayId, address, state: 'fetching', reason: null }) as const;
const failing = (gatewayId: string) => ({ ...warning(gatewayId), state: 'failed', reason: note.reason });
const FETCHING = `applied; the key set ${address} is still being fetched`;
const FAILING = `applied; the key set ${address} cannot be fetched (unreachable ECONNREFUSED)`;
const detail = (gatewayId: string, text: string, success = true) => ({
  ...{ gatewayId, success, detail: text, responseTime: 12 },
});
const ended: EnvironmentDeploymentResult = {
  ...{ environmentName: 'production', success: true, message: 'Deployment successful', deployment: 7, revision: 1 },
  gateways: { live: 2, applied: 2, rejected: 0, pending: 0 },
  detailList: [detail('one', FETCHING), detail('two', FETCHING)],
  warnings: [warning('one'), warning('two')],
};

describe('what is said of a deployment after it has ended', () => {
  it('is what each live gateway lacks now', () => {
    expect(withPresentWarnings(ended, 'p', [lease('two', [note]), lease('one', [])])).toEqual({
      ...ended,
      detailList: [detail('one', 'applied'), detail('two', FAILING)],
      warnings: [failing('two')],
    });
  });

  it('stays as it was where a gateway does not say it, or lives no more', () => {
    expect(withPresentWarnings(ended, 'p', [lease('one')])).toEqual(ended);
    expect(withPresentWarnings(ended, 'p', [])).toEqual(ended);
  });

  it('warns of a gateway that has come since, and answers for nobody', () => {
    expect(withPresentWarnings(ended, 'p', [lease('new', [note])])).toEqual({
      ...ended,
      warnings: [failing('new'), ...(ended.warnings ?? [])],
    });
  });

  it('takes no note of another deployment or proxy for its own', () => {
    const notes = [
      { ...note, deployment: 8 },
      { ...note, proxyId: 'q' },
    ];
    expect(withPresentWarnings(ended, 'p', [lease('one', notes), lease('two', notes)])).toMatchObject({
      detailList: [{ detail: 'applied' }, { detail: 'applied' }],
      warnings: [],
    });
  });

  it('leaves a rejection as it is', () => {
    const rejected = { ...ended, detailList: [detail('one', 'no key', false)], warnings: [] };
    expect(withPresentWarnings(rejected, 'p', [lease('one', [])])).toEqual(rejected);
  });

  it('has nothing to add where nothing was deployed yet', () => {
    const waiting = { ...ended, deployment: null };
    expect(withPresentWarnings(waiting, 'p', [lease('one', [note])])).toBe(waiting);
  });
});
