import type { PastDeployment } from '../../deployment-requests/deployment-history.ts';
import { deployHistoryView, pastDeploymentResult } from './deploy-history-view.ts';

const past = (members: Partial<PastDeployment>): PastDeployment => ({
  ...{
    environmentId: 'e-1',
    environmentName: 'production',
    deployment: 7,
    proxyId: 'p-1',
    kind: 'publish',
    revision: 3,
  },
  ...{ actor: 'ci', description: 'release', requestedAt: '2026-03-01T12:00:00.000Z', state: 'succeeded', result: null },
  ...members,
});
const gateways = { live: 2, applied: 1, rejected: 1, pending: 0 };
const result = { message: '1 of 2 gateways rejected it', gateways, detailList: [] };

describe('a row of the deploy history', () => {
  it('has the members of the vendor', () => {
    expect(deployHistoryView({ past: past({ result }), environmentName: 'production' })).toEqual({
      ...{ deployment: 7, revision: 3, environment: 'production', username: 'ci', description: 'release' },
      ...{ deploymentTime: '2026-03-01T12:00:00.000Z', success: true, deploy: true, state: 'succeeded' },
      message: '1 of 2 gateways rejected it',
    });
  });

  it.each(['pending', 'failed', 'superseded'] as const)('is no success while it is %s', (state) => {
    const one = { past: past({ state, result }), environmentName: 'production' };
    expect(deployHistoryView(one)).toMatchObject({ success: false, state });
    expect(pastDeploymentResult(one)).toMatchObject({
      success: false,
      deploymentResults: [{ success: false, gateways }],
    });
  });

  it('says that nothing has happened yet while there is no answer', () => {
    const one = { past: past({ state: 'pending' }), environmentName: 'production' };
    expect(deployHistoryView(one)).toMatchObject({ message: 'not deployed yet' });
    expect(pastDeploymentResult(one).deploymentResults).toMatchObject([
      { message: 'not deployed yet', gateways: { live: 0, applied: 0 }, detailList: [] },
    ]);
  });

  it('of an undeployment is no deploy', () => {
    expect(deployHistoryView({ past: past({ kind: 'undeploy' }), environmentName: 'x' })).toMatchObject({
      deploy: false,
    });
  });
});
