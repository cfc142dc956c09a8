export { CheckpointFollower, type FileState } from './checkpoint-follower.ts';
export { readCheckpoints } from './checkpoint-rows.ts';
export { CheckpointWriter, type CheckpointTaken } from './checkpoint-writer.ts';
export { type AnchoredHead, type Checkpoint, CheckpointSeal } from './checkpoint.ts';
export { type HistoryFault, type HistoryFaultKind, type NamedEvent } from './history-fault.ts';
export { type HistoryReport, type VerificationOptions, verifyHistory } from './verify-history.ts';
