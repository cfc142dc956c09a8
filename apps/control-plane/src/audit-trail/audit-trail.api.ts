import type { ApiCallFacts } from '../http/api-call.ts';

const LINE = {
  ...{ position: '1-4711-12', at: '2026-06-16T10:30:00.000Z', type: 'PolicyAdded', schemaVersion: 1 },
  project: { id: '3f0c9a52-6a0e-4c57-8f52-1d1b1a3c6a10', name: 'shop' },
  subject: { kind: 'apiProxy', id: '0b9f6a4e-0d7a-4c0e-9b3e-5f6d2b8c7a11', name: 'orders' },
  ...{ stream: 'apiProxy-0b9f6a4e-0d7a-4c0e-9b3e-5f6d2b8c7a11', version: 2 },
  ...{ eventId: '5f6b6a0c-5b0e-4a52-9d0c-2f4f6c1f7b12', actor: 'ci', requestId: 'release-7', reason: 'ticket 42' },
  data: { proxyId: '0b9f6a4e-0d7a-4c0e-9b3e-5f6d2b8c7a11', name: 'check-token' },
  mac: '9f'.repeat(32),
};
const ANSWER = { mediaType: 'application/x-ndjson', example: `${JSON.stringify(LINE)}\n` };

const LINES =
  'A line of JSON per event, oldest first, streamed; `data` in the shape in which it was recorded. An answer that breaks ' +
  'off (its last chunk is missing) is gone on with by `after`. Secrets are references and fingerprints.';

const RANGE = {
  from: { description: 'Recorded at this moment or later: ISO 8601 with `Z` or an offset.' },
  to: { description: 'Recorded before this moment: ISO 8601 with `Z` or an offset.' },
  after: { description: 'Goes on after the line with this `position`.' },
};

export const AUDIT_CALLS = {
  all: {
    tag: 'History',
    summary: 'Export the audit trail as lines of JSON',
    description: `${LINES} Needs ADMIN in all projects.`,
    permission: 'ADMIN',
    query: {
      projectName: {
        description:
          'Only what belongs to a project that bears this name or bore it before it was deleted; if there were several, ' +
          'all of them.',
      },
      ...RANGE,
    },
    answer: ANSWER,
  },
  ofProject: {
    tag: 'History',
    summary: 'Export the audit trail of a project as lines of JSON',
    description: `${LINES} Of the project that bears the name now, and not of deleted ones that bore it before.`,
    permission: 'VIEW',
    query: RANGE,
    answer: ANSWER,
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;
