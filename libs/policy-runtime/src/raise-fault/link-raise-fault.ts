import type { RaiseFaultContract } from '#libs/policy-contracts';
import type { Fault } from '../exchange/fault.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { compileMessageTemplate } from '../linking/message-template.ts';
import type { Step } from '../linking/step.ts';

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]+/g;

/**
 * A variable's text in a status line or header: without line breaks and other control characters, which would begin a
 * line of the caller's own; other than ASCII travels as UTF-8.
 */
const lineText = (text: string): string =>
  Buffer.from(text.replace(CONTROL_CHARACTERS, ' ').trim(), 'utf8').toString('latin1');

/** Every template of the policy. */
export const templatesOf = ({ reasonPhrase = '', contentType, payload }: RaiseFaultContract): string[] => [
  reasonPhrase,
  contentType,
  payload,
];

/** `policy-raise-fault` (contract 4.1): ends the flow with the answer that the policy describes. */
export function linkRaiseFault(contract: RaiseFaultContract, { policyName }: LinkContext): Step {
  const [reasonPhrase, contentType, payload] = [
    compileMessageTemplate(contract.reasonPhrase ?? ''),
    compileMessageTemplate(contract.contentType),
    compileMessageTemplate(contract.payload),
  ];
  const { statusCode: status } = contract;
  return (exchange): Fault => {
    const [phrase, type] = [lineText(reasonPhrase(exchange)), lineText(contentType(exchange))];
    return {
      status,
      headers: type === '' ? [] : [['Content-Type', type]],
      body: payload(exchange),
      name: 'RaiseFault',
      policy: policyName,
      reason: `raised with status ${status}`,
      ...(phrase === '' ? {} : { reasonPhrase: phrase }),
      isRaised: true,
    };
  };
}
