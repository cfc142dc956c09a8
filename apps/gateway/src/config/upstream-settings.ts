import type { SettingsReader } from '#libs/program-shell';
import { readUpstreamFiles, UPSTREAM_FILE_SETTINGS, type UpstreamFiles } from '../upstream/upstream-credentials.ts';
import { HEALTH_LIMITS, type HealthLimits } from '../upstream/health/health-limits.ts';
import { UPSTREAM_POOL_LIMITS, type UpstreamPoolLimits } from '../upstream/upstream-pool.ts';

export interface UpstreamSettings {
  /** Of the connections to one origin and what its failures lead to, in each process. */
  readonly upstreamLimits: UpstreamPoolLimits;
  readonly upstreamFiles: UpstreamFiles;
}

const KIB = 1024;
const CONNECTIONS = [1, 100_000] as const;
const IDLE_MS = [1, 3_600_000] as const;
const FAILURES = [0, 1_000] as const;
const EJECT_SECONDS = [1, 3_600] as const;
const PERCENT = [0, 100] as const;
const MS_PER_SECOND = 1_000;
const HEADER_BYTES = [1 * KIB, 1024 * KIB] as const;

function upstreamFiles(reader: SettingsReader): UpstreamFiles {
  const files: UpstreamFiles = {
    ca: reader.text(UPSTREAM_FILE_SETTINGS.ca),
    certificate: reader.text(UPSTREAM_FILE_SETTINGS.certificate),
    key: reader.text(UPSTREAM_FILE_SETTINGS.key),
  };
  if ((files.certificate === undefined) !== (files.key === undefined)) {
    reader.faults.push(`${UPSTREAM_FILE_SETTINGS.certificate} and ${UPSTREAM_FILE_SETTINGS.key} go together`);
    return files;
  }
  const isGiven = files.ca !== undefined || files.key !== undefined;
  const read = isGiven ? readUpstreamFiles(files) : undefined;
  if (read?.ok === false) reader.faults.push(...read.faults);
  return files;
}

function healthLimits(reader: SettingsReader): HealthLimits {
  const { ejectAfterFailures, ejectMs, countsErrorAnswers, retryBudgetPercent } = HEALTH_LIMITS;
  const seconds = reader.integer('UPSTREAM_EJECT_SECONDS', EJECT_SECONDS, ejectMs / MS_PER_SECOND);
  const counts = reader.oneOf('UPSTREAM_EJECT_ON_5XX', ['true', 'false'], `${countsErrorAnswers}`);
  return {
    ejectAfterFailures: reader.integer('UPSTREAM_EJECT_AFTER_FAILURES', FAILURES, ejectAfterFailures),
    ejectMs: seconds * MS_PER_SECOND,
    countsErrorAnswers: counts === 'true',
    retryBudgetPercent: reader.integer('UPSTREAM_RETRY_BUDGET_PERCENT', PERCENT, retryBudgetPercent),
  };
}

/** Reads how upstreams are spoken to; what is wrong, with the files too, is among the reader's faults. */
export function upstreamSettings(reader: SettingsReader): UpstreamSettings {
  const { maxConnections, idleTimeoutMs, maxHeaderBytes } = UPSTREAM_POOL_LIMITS;
  return {
    upstreamLimits: {
      maxConnections: reader.integer('UPSTREAM_MAX_CONNECTIONS', CONNECTIONS, maxConnections),
      idleTimeoutMs: reader.integer('UPSTREAM_IDLE_TIMEOUT_MS', IDLE_MS, idleTimeoutMs),
      maxHeaderBytes: reader.integer('UPSTREAM_MAX_HEADER_BYTES', HEADER_BYTES, maxHeaderBytes),
      health: healthLimits(reader),
    },
    upstreamFiles: upstreamFiles(reader),
  };
}
