import type { AnswerCount } from '../channel/answer-tally.ts';
import type { GatewayAnswer } from '../channel/gateway-answer.ts';
import { cannotBeCompiled, outcomeOfAnswers } from './outcome-message.ts';

const applied = (gatewayId: string): GatewayAnswer => ({
  ...{ gatewayId, outcome: 'applied', reason: undefined, responseTimeMs: 12, warnings: [] },
});
const silent = (gatewayId: string, reason?: string): GatewayAnswer => ({
  ...{ gatewayId, outcome: 'pending', reason, responseTimeMs: undefined, warnings: [] },
});
const rejected = (gatewayId: string, reason: string): GatewayAnswer => ({
  ...{ gatewayId, outcome: 'rejected', reason, responseTimeMs: 34, warnings: [] },
});
const KEY = 'policy verify, publicKey.value: is no key';
const TWO_FAULTS = `${KEY}; policy issue, tokenExpiresIn: must be at least 1`;

function answersOf(details: readonly GatewayAnswer[], gone = 0): AnswerCount {
  const having = (outcome: GatewayAnswer['outcome']) => details.filter((one) => one.outcome === outcome).length;
  const counts = { applied: having('applied'), rejected: having('rejected'), pending: having('pending') };
  return { live: details.length, ...counts, gone, details };
}

const NOBODY: GatewayAnswer[] = [];
const OF_PUBLISH: [string, AnswerCount, string][] = [
  ['all applied', answersOf([applied('a'), applied('b')]), 'Deployment successful'],
  ['all that still live applied', answersOf([applied('a')], 1), 'Deployment successful'],
  [
    'none lives',
    answersOf(NOBODY),
    'Deployment successful; no gateway of the environment is running, it will be applied at start',
  ],
  [
    'none lives any more',
    answersOf(NOBODY, 2),
    'Deployment successful; the gateways that ran have gone since, it will be applied at start',
  ],
  ['none answers', answersOf([silent('a')]), '0 of 1 gateways applied it, 1 is still being waited for'],
  [
    'some do not answer',
    answersOf([applied('a'), silent('b'), silent('c')]),
    '1 of 3 gateways applied it, 2 are still being waited for',
  ],
  [
    'one serves something else',
    answersOf([applied('a'), silent('b'), silent('c', 'it serves deployment 9 of it instead')]),
    '1 of 3 gateways applied it, 2 are still being waited for (c: it serves deployment 9 of it instead)',
  ],
  [
    'one rejects',
    answersOf([applied('a'), rejected('b', KEY)]),
    `1 of 2 gateways rejected it (b: ${KEY}) and goes on with what it had; deploy a corrected revision`,
  ],
  [
    'all reject, for several reasons',
    answersOf([rejected('a', TWO_FAULTS), rejected('b', 'the artifact was altered')]),
    `2 of 2 gateways rejected it (a: ${KEY}) and go on with what they had; deploy a corrected revision`,
  ],
  [
    'one rejects and one does not answer',
    answersOf([applied('a'), rejected('b', KEY), silent('c')]),
    `1 of 3 gateways rejected it (b: ${KEY}) and goes on with what it had, 1 is still being waited for; ` +
      'deploy a corrected revision',
  ],
  [
    'one rejects with a long reason',
    answersOf([rejected('a', 'x'.repeat(1_000))]),
    `1 of 1 gateways rejected it (a: ${'x'.repeat(300)}…) and goes on with what it had; deploy a corrected revision`,
  ],
];
const OF_UNDEPLOY: [string, AnswerCount, string][] = [
  ['all applied', answersOf([applied('a')]), 'Undeployment successful'],
  [
    'none lives',
    answersOf(NOBODY),
    'Undeployment successful; no gateway of the environment is running, it will be applied at start',
  ],
  ['one does not answer', answersOf([silent('a')]), '0 of 1 gateways applied it, 1 is still being waited for'],
  [
    'one rejects',
    answersOf([rejected('a', 'the record was altered')]),
    '1 of 1 gateways rejected it (a: the record was altered) and goes on with what it had; undeploy it again',
  ],
];

describe('the message of a deployment', () => {
  it.each(OF_PUBLISH)('says when %s', (_name, answers, message) => {
    expect(outcomeOfAnswers('publish', answers, undefined).message).toBe(message);
  });

  it.each(OF_UNDEPLOY)('says of an undeployment when %s', (_name, answers, message) => {
    expect(outcomeOfAnswers('undeploy', answers, undefined).message).toBe(message);
  });

  it('says why it cannot be compiled', () => {
    expect(cannotBeCompiled('policy issue: key signing does not exist in the project')).toBe(
      'It cannot be compiled for the environment: policy issue: key signing does not exist in the project; ' +
        'gateways go on with what they had, put that right and deploy it again',
    );
  });
});

describe('the details of a deployment', () => {
  it('say all of what each gateway said, and how long it took', () => {
    const answers = answersOf([
      ...[applied('a'), rejected('b', TWO_FAULTS), silent('c'), silent('d', 'it serves nothing of it')],
    ]);
    expect(outcomeOfAnswers('publish', answers, 'a hash')).toMatchObject({
      ...{ hash: 'a hash', gateways: { live: 4, applied: 1, rejected: 1, pending: 2 } },
      detailList: [
        { gatewayId: 'a', success: true, detail: 'applied', responseTime: 12 },
        { gatewayId: 'b', success: false, detail: TWO_FAULTS, responseTime: 34 },
        { gatewayId: 'c', success: false, detail: 'no answer yet', responseTime: null },
        { gatewayId: 'd', success: false, detail: 'it serves nothing of it', responseTime: null },
      ],
      warnings: [],
    });
  });

  it('warn of key sets that are not there, and call it a success all the same', () => {
    const warning = { address: 'https://idp.test/jwks', state: 'failed', reason: 'http-status 503' } as const;
    const ofA = [
      { gatewayId: 'a', ...warning },
      { gatewayId: 'a', address: 'https://b.test/jwks', state: 'fetching', reason: null } as const,
    ];
    const ofB = [{ gatewayId: 'b', ...warning }];
    const lacking = (gatewayId: string, warnings: GatewayAnswer['warnings']) => ({ ...applied(gatewayId), warnings });
    const answers = answersOf([lacking('a', ofA), lacking('b', ofB), applied('c')]);
    expect(outcomeOfAnswers('publish', answers, undefined)).toEqual({
      ...{ message: 'Deployment successful', gateways: { live: 3, applied: 3, rejected: 0, pending: 0 } },
      detailList: [
        {
          ...{ gatewayId: 'a', success: true, responseTime: 12 },
          detail:
            'applied; the key set https://idp.test/jwks cannot be fetched (http-status 503); ' +
            'the key set https://b.test/jwks is still being fetched',
        },
        {
          ...{ gatewayId: 'b', success: true, responseTime: 12 },
          detail: 'applied; the key set https://idp.test/jwks cannot be fetched (http-status 503)',
        },
        { gatewayId: 'c', success: true, detail: 'applied', responseTime: 12 },
      ],
      warnings: [...ofA, ...ofB],
    });
  });
});
