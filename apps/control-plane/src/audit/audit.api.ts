import type { ApiCallFacts } from '../http/api-call.ts';

export const LIST_CHECKPOINTS: ApiCallFacts = {
  ...{ tag: 'History', summary: 'Signed checkpoints of the log of events, oldest first', permission: 'ADMIN' },
  description:
    'To be kept elsewhere: `npm run audit:verify -- --checkpoints FILE` compares a file of them, a line of JSON each, with ' +
    'the database. Each says how far the log had come (`eventCount`, `upTo`, the running `digest`), where the streams ended ' +
    'that went on since the one before (`heads`), and which one that was (`previous`). `signature` is Ed25519 over the ' +
    'canonical JSON of the other members.',
  query: {
    after: { description: 'Number of a checkpoint: those behind it; 0 when left out' },
    limit: { description: 'At most so many, 1 to 100; 20 when left out' },
  },
  result: {
    ...{ kind: 'gatewarden/history-checkpoint/1', number: 12, takenAt: '2026-06-16T10:30:00.000Z' },
    upTo: { epoch: 1, transactionId: '91254', sequence: '4711' },
    ...{ eventCount: 4690, digest: '6e1f0a…', previous: 'b5bb9d…', signature: '9c04d7…' },
    heads: [{ streamId: 'apiProxy-01890a5d', version: 14, mac: '2c26b4…', places: [4689, 4690] }],
  },
};
