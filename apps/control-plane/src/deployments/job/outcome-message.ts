import type { AnswerCount } from '../channel/answer-tally.ts';
import type { GatewayAnswer } from '../channel/gateway-answer.ts';
import { appliedWith } from '../channel/key-set-warnings.ts';
import type { DeploymentOutcome } from '../../deployment-requests/deployment-rows.ts';

type Kind = 'publish' | 'undeploy';

const SUCCESSFUL: Readonly<Record<Kind, string>> = {
  publish: 'Deployment successful',
  undeploy: 'Undeployment successful',
};
const AFTER_REJECTION: Readonly<Record<Kind, string>> = {
  publish: 'deploy a corrected revision',
  undeploy: 'undeploy it again',
};

/** A sentence has room for this much of what a gateway says; all of it is in the details. */
const REASON_LENGTH = 300;

/** The first reason of that outcome, in brackets, behind the gateway that gives it; nothing where none is given. */
function firstReason(outcome: GatewayAnswer['outcome'], { details }: AnswerCount): string {
  const found = details.find((one) => one.outcome === outcome && one.reason !== undefined);
  // A gateway names several faults one behind the other; each names its policy and field.
  const [first = ''] = found?.reason?.split('; ') ?? [];
  const short = first.length > REASON_LENGTH ? `${first.slice(0, REASON_LENGTH)}…` : first;
  return found === undefined ? '' : ` (${found.gatewayId}: ${short})`;
}

/** How many are waited for, and why the first of them, where it says so. */
function waitedFor(answers: AnswerCount): string {
  const { pending } = answers;
  return `${pending} ${pending === 1 ? 'is' : 'are'} still being waited for${firstReason('pending', answers)}`;
}

function rejectedMessage(kind: Kind, answers: AnswerCount): string {
  const { live, rejected, pending } = answers;
  const goOn = rejected === 1 ? 'goes on with what it had' : 'go on with what they had';
  const others = pending > 0 ? `, ${waitedFor(answers)}` : '';
  const reason = firstReason('rejected', answers);
  return `${rejected} of ${live} gateways rejected it${reason} and ${goOn}${others}; ${AFTER_REJECTION[kind]}`;
}

/** One sentence: what happened and what happens next (contract 4.1, `message`). */
function messageOf(kind: Kind, answers: AnswerCount): string {
  const { live, applied, rejected, pending, gone } = answers;
  if (rejected > 0) return rejectedMessage(kind, answers);
  if (pending > 0) return `${applied} of ${live} gateways applied it, ${waitedFor(answers)}`;
  if (live > 0) return SUCCESSFUL[kind];
  const nobody = gone > 0 ? 'the gateways that ran have gone since' : 'no gateway of the environment is running';
  return `${SUCCESSFUL[kind]}; ${nobody}, it will be applied at start`;
}

function detailOf({ outcome, reason, warnings }: GatewayAnswer): string {
  if (outcome === 'applied') return appliedWith(warnings);
  return reason ?? (outcome === 'rejected' ? 'rejected' : 'no answer yet');
}

/** What the gateways' answers make of a deployment. @param hash of the artifact that was given out */
export function outcomeOfAnswers(kind: Kind, answers: AnswerCount, hash: string | undefined): DeploymentOutcome {
  const { live, applied, rejected, pending, details } = answers;
  return {
    message: messageOf(kind, answers),
    ...(hash === undefined ? {} : { hash }),
    gateways: { live, applied, rejected, pending },
    detailList: details.map((answer) => ({
      gatewayId: answer.gatewayId,
      success: answer.outcome === 'applied',
      detail: detailOf(answer),
      responseTime: answer.responseTimeMs ?? null,
    })),
    warnings: details.flatMap(({ warnings }) => warnings),
  };
}

/** @param reason names what a revision lacks in the environment */
export const cannotBeCompiled = (reason: string): string =>
  `It cannot be compiled for the environment: ${reason}; gateways go on with what they had, put that right and deploy it again`;
