import type { DeploymentResult } from '../../deployment-requests/deployment-results.ts';
import type { DeploymentOutcome } from '../../deployment-requests/deployment-rows.ts';
import type { NamedDeployment } from './deploy-histories.queries.ts';

const NO_GATEWAYS = { live: 0, applied: 0, rejected: 0, pending: 0 };

type Answers = Pick<DeploymentOutcome, 'gateways' | 'detailList' | 'warnings'>;

/** While there is no answer the row says why, or nothing yet. */
const messageOf = ({ state, result }: NamedDeployment['past']): string =>
  result?.message ?? (state === 'pending' ? 'not deployed yet' : '');

/** A row of `GET X/deploy-histories/`: the vendor's members first, and what this product knows beside them. */
export function deployHistoryView({ past, environmentName: environment }: NamedDeployment) {
  const { deployment, revision, actor: username, requestedAt: deploymentTime, description, state } = past;
  return {
    ...{ deployment, revision, environment, username, deploymentTime, description },
    success: state === 'succeeded',
    deploy: past.kind === 'publish',
    state,
    message: messageOf(past),
  };
}

/** What the gateways answered to it, in the form of every `deploymentResult` (contract 4.1). */
export function pastDeploymentResult({ past, environmentName }: NamedDeployment): DeploymentResult {
  const { deployment, revision, state, result } = past;
  const { gateways, detailList, warnings = [] }: Answers = result ?? { gateways: NO_GATEWAYS, detailList: [] };
  const success = state === 'succeeded';
  const message = messageOf(past);
  return {
    success,
    deploymentResults: [{ environmentName, success, message, deployment, revision, gateways, detailList, warnings }],
  };
}
