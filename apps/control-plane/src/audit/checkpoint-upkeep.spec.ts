import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { Registry } from 'prom-client';
import { EventStoreUnavailable, HistoryKeys, type PostgresEventStore } from '#libs/event-store';
import { CapturedLog } from '#libs/program-shell/testing';
import { CONTROL_PLANE_DEFAULTS, type ControlPlaneConfig } from '../config/control-plane.config.ts';
import type { ControlPlaneMetrics } from '../operations/control-plane-metrics.ts';
import { CheckpointUpkeep } from './checkpoint-upkeep.ts';
import { HistoryGauges } from './history-gauges.ts';

const HOUR_MS = 3_600_000;

let isAnswering: boolean;
let attempts: number;
let fail: () => void;
let log: CapturedLog;
let registry: Registry;
let upkeep: CheckpointUpkeep;

/** A database that answers nothing, until the connection breaks. */
const neverAnswers = () => {
  attempts += 1;
  const gone = new EventStoreUnavailable('nothing-recorded', { cause: new Error('ECONNRESET') });
  if (!isAnswering) return Promise.reject(gone);
  return new Promise<never>((_resolve, reject) => {
    fail = () => reject(gone);
  });
};

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'performance'] });
  [isAnswering, attempts] = [true, 0];
  log = new CapturedLog();
  registry = new Registry();
  const store = { transact: neverAnswers, query: neverAnswers } as unknown as PostgresEventStore;
  const auditCheckpointFile = path.join(tmpdir(), 'gatewarden-upkeep', 'never-made.jsonl');
  const config = { ...CONTROL_PLANE_DEFAULTS, auditCheckpointFile, roles: new Set(['api']) };
  const gauges = new HistoryGauges({ registry } as ControlPlaneMetrics);
  const keys = HistoryKeys.derivedFrom(Buffer.alloc(32, 1));
  upkeep = new CheckpointUpkeep(store, keys, config as unknown as ControlPlaneConfig, log.logger, gauges);
  upkeep.onApplicationBootstrap();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('checkpoints while the database does not answer', () => {
  it('do not pile up, and do not hold up the end of the process', async () => {
    await jest.advanceTimersByTimeAsync(HOUR_MS);
    isAnswering = false;
    const stopped = upkeep.onApplicationShutdown();
    await jest.advanceTimersByTimeAsync(0);
    const begun = attempts;
    fail();
    await stopped;
    // What was in hand, and the last one.
    expect([begun, attempts]).toEqual([1, 2]);
  });

  it('are said to be missing, and nothing is said of their file', async () => {
    await jest.advanceTimersByTimeAsync(0);
    isAnswering = false;
    fail();
    await jest.advanceTimersByTimeAsync(CONTROL_PLANE_DEFAULTS.auditCheckpointSeconds * 1_000);
    // At the start, and when the interval ended.
    const line = { level: 'warn', msg: 'no checkpoint of the history could be taken' };
    expect(log.lines).toMatchObject([line, line]);
    expect(await registry.metrics()).toContain('gatewarden_history_checkpoint_file_failing 0');
    await upkeep.onApplicationShutdown();
  });
});
