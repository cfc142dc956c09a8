import type { ApiCallFacts } from '../http/api-call.ts';
import { KEY, KEY_STORE_RESULT, USERS } from './key-store-examples.ts';
import { ROTATION } from './rotation-requests.ts';

const SUMMARY = {
  ...{ rotationId: '6f0c1a52-6d0b-4b53-9a0e-0a3f5d2c7e11', stage: 'waiting', since: '2031-02-03T04:05:09.000Z' },
  ...{ paused: false, signsAt: '2031-02-03T04:10:09.000Z', retiresAt: null },
};
const ROTATING = {
  ...KEY_STORE_RESULT,
  keyList: [{ ...KEY_STORE_RESULT.keyList[0], nextKeyList: [{ ...KEY, kid: 'orders-2032' }] }],
  rotation: SUMMARY,
};
const STARTED_AT = '2031-02-03T04:05:06.000Z';
const PROGRESS = {
  ...{ keyName: 'orders-signing', ...SUMMARY, settled: false, environmentNameList: ['production'] },
  waitsFor: 'it waits until 2031-02-03T04:10:09.000Z, when whoever keeps the published keys has the new one',
  ...{ startedAt: STARTED_AT, publishForSeconds: 300, switchedAt: null, acknowledgedAt: null },
  ...{ longestTokenLifeSeconds: null, deploymentList: [] },
  stepList: [
    { step: 'started', at: STARTED_AT, actor: 'ci', reason: 'yearly rotation' },
    { step: 'published', at: SUMMARY.since, actor: 'deployer', reason: null },
  ],
};

const STAGES =
  'Stages: `publishing` (until every live gateway of the environments concerned verifies with the new key), `waiting` ' +
  '(`publishForSeconds`, 300 where it is left out), `retiring` (the new key signs; the old one verifies until the longest ' +
  'token that it signed has expired, a minute more, counted from when every live gateway signs with the new one), ' +
  '`finished`; or `cancelled`, or `replaced` where other keys came to all its environments.';

export const ROTATE_KEYS: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Rotate a key',
  description: `Begins a rotation that refuses no token, with a key generated of the same kind, or imported with \`sourceType\` and \`content\`; it goes on by itself. ${STAGES} Refused (409) while another one is before its switch. \`retirePrevious\`: in one step instead, for keys that must not be trusted any more; the old keys are gone at once, and their tokens with them. \`environmentNameList\`: only the keys of these environments. ${USERS}`,
  permission: 'MANAGE',
  body: {
    schema: ROTATION,
    required: false,
    examples: {
      generated: {},
      named: { kid: 'orders-2032', publishForSeconds: 600 },
      compromised: { retirePrevious: true },
    },
  },
  result: ROTATING,
  deploys: true,
};

export const GET_ROTATION: ApiCallFacts = {
  tag: 'Keys',
  summary: 'How far the rotation of a key is',
  description: `The one under way, or the last one; 404 when there was none. ${STAGES} \`deploymentList\` has what gateways have answered while they are waited for.`,
  permission: 'VIEW',
  result: PROGRESS,
};

export const STREAM_ROTATION: ApiCallFacts = {
  tag: 'Keys',
  summary: 'How far the rotation of a key is, as server-sent events',
  description:
    'Of the rotation that the call without `stream` shows at its beginning, and of no later one. An event `progress` whenever something is new, `settled` as the last one; each carries what the call without ' +
    '`stream` shows. Comments keep the connection alive in long silences. It ends with its token; 429 when the process has ' +
    'too many open.',
  permission: 'VIEW',
  answer: {
    mediaType: 'text/event-stream',
    example: 'event: progress\ndata: {"keyName":"orders-signing","stage":"waiting","settled":false}\n\n',
  },
};

export const PAUSE_ROTATION: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Pause the rotation of a key',
  description: 'It goes to no further stage by itself until it is resumed; what gateways have they keep.',
  permission: 'MANAGE',
  result: { ...ROTATING, rotation: { ...SUMMARY, paused: true } },
  deploys: true,
};

export const RESUME_ROTATION: ApiCallFacts = {
  ...PAUSE_ROTATION,
  summary: 'Resume the rotation of a key',
  description: 'Moments that have passed meanwhile are not waited for again.',
  result: ROTATING,
};

export const FORCE_ROTATION: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Force the rotation of a key to its next stage',
  description:
    'Now, whatever it waits for; a warning says what that is. From `publishing` to `waiting`, from there the new key signs, ' +
    'and from `retiring` the old one is removed, with the tokens that it signed. Where several are under way, the newest of them.',
  permission: 'MANAGE',
  result: ROTATING,
  deploys: true,
};

export const CANCEL_ROTATION: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Cancel the rotation of a key',
  description: 'Before the new key signs: it is withdrawn everywhere and destroyed. Refused (409) afterwards.',
  permission: 'MANAGE',
  result: { ...KEY_STORE_RESULT, rotation: { ...SUMMARY, stage: 'cancelled' } },
  deploys: true,
};
