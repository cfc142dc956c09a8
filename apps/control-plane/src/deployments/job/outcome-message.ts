import type { AnswerCount, GatewayAnswer } from '../channel/gateway-answers.ts';
import type { DeploymentOutcome } from '../../deployment-requests/deployment-rows.ts';

const DETAILS: Readonly<Record<GatewayAnswer['outcome'], string>> = {
  applied: 'applied',
  rejected: 'rejected',
  pending: 'no answer yet',
};

/** One sentence: what happened and what happens next (contract 4.1, `message`). */
function messageOf(kind: 'publish' | 'undeploy', answers: AnswerCount): string {
  const { live, applied, rejected, pending } = answers;
  const successful = kind === 'publish' ? 'Deployment successful' : 'Undeployment successful';
  if (rejected > 0) {
    return `${rejected} of ${live} gateways rejected it and go on with what they had; deploy a corrected revision`;
  }
  if (pending > 0) return `${applied} of ${live} gateways applied it; the others are still being waited for`;
  if (live === 0) return `${successful}; no gateway of the environment is running, it will be applied at start`;
  return successful;
}

export function outcomeOfAnswers(
  kind: 'publish' | 'undeploy',
  answers: AnswerCount,
  hash: string | undefined,
): DeploymentOutcome {
  const { live, applied, rejected, pending, details } = answers;
  return {
    message: messageOf(kind, answers),
    ...(hash === undefined ? {} : { hash }),
    gateways: { live, applied, rejected, pending },
    detailList: details.map(({ gatewayId, outcome, reason, responseTimeMs }) => ({
      gatewayId,
      success: outcome === 'applied',
      detail: reason ?? DETAILS[outcome],
      responseTime: responseTimeMs ?? null,
    })),
  };
}
