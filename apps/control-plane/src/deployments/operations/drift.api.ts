import { NO_MEMBERS } from '../../http/bodies/request-bodies.ts';
import type { ApiCallFacts } from '../../http/api-call.ts';

const DRIFT = {
  ...{ proxies: 12, identities: 30, gateways: 2, isBeingRepaired: false, findingCount: 1 },
  findings: [
    {
      ...{ where: 'redis', gatewayId: null, what: 'proxy', problem: 'missing', recorded: 31, found: null },
      ...{ projectName: 'shop', apiProxyName: 'orders' },
    },
  ],
};

const WORDS =
  '`what`: the `log` as a whole, a `proxy`, an `identity` (user, key pair or standing orders), or a `gateway` as a whole. `problem`: ' +
  '`missing`, `older`, `newer` (PostgreSQL came back from an older backup), `altered` or `not-recorded`. `recorded` and ' +
  '`found` are numbers of deployments, versions of identities, or how many proxies a gateway is to serve and serves.';

export const GET_DRIFT: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Where an environment differs from what is recorded', permission: 'VIEW' },
  description:
    `Compares everything now and changes nothing; the control plane does the same all the time, part by part, and repairs ` +
    `by itself. A proxy of which nothing is recorded is not taken out by itself: PostgreSQL may have come back from an older ` +
    `backup. ${WORDS} 503 when the Redis of the environment cannot be reached.`,
  result: DRIFT,
};

export const REPAIR_DRIFT: ApiCallFacts = {
  ...{
    tag: 'Environments',
    summary: 'Compare an environment with what is recorded and repair it',
    permission: 'ADMIN',
  },
  description:
    `The same comparison; what differs is published again under new deployment numbers, users are told again, and proxies ` +
    `of which nothing is recorded are taken out, 500 in one call. Answers with what was found and requested, and does not ` +
    `wait for it. ${WORDS} 503 when the Redis of the environment cannot be reached.`,
  body: { schema: NO_MEMBERS, required: false, examples: { 'no members': {} } },
  result: {
    ...DRIFT,
    requested: {
      deployments: [{ projectName: 'shop', apiProxyName: 'orders', deployment: 32 }],
      ...{ identities: 0, everything: false },
    },
  },
};
