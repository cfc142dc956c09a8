import { AUDITED_COLUMNS, type AuditedRow } from './audited-row.ts';
import { type Query } from './checkpoint-rows.ts';
import { faultOf, type HistoryFault, nameEvent } from './history-fault.ts';
import { type Anchor, type StreamTrace, type StreamTraces } from './stream-traces.ts';

interface HeadRow {
  readonly stream_id: string;
  readonly version: number;
  readonly mac: Buffer | null;
}

/** When all events were followed: whether each stream ends where checkpoints and its row in `streams` say. */
export class EndsCheck {
  constructor(
    private readonly query: Query,
    private readonly traces: StreamTraces,
  ) {}

  async checkAnchors(lost: ReadonlyMap<string, Anchor>): Promise<void> {
    for (const [streamId, anchor] of lost) {
      const trace = this.traces.of(streamId);
      if (trace.version < anchor.version) trace.missed ??= anchor;
    }
    for (const [streamId, trace] of this.traces.entries()) {
      if (trace.missed === undefined || trace.isFaulty) continue;
      const { version, takenAt, source } = trace.missed;
      await this.name(
        streamId,
        trace,
        'cut-off',
        `stream ${streamId} ended at version ${version} on ${takenAt} (${source})`,
      );
    }
  }

  async checkHeads(heads: AsyncIterable<readonly HeadRow[]>): Promise<void> {
    for await (const page of heads) for (const head of page) await this.checkHead(head);
    for (const [streamId, trace] of this.traces.entries()) {
      if (trace.hasHead || trace.isFaulty || trace.version === 0) continue;
      await this.name(streamId, trace, 'head-differs', `stream ${streamId} has no row in the table of streams`);
    }
  }

  private async checkHead({ stream_id: streamId, version, mac }: HeadRow): Promise<void> {
    const trace = this.traces.of(streamId);
    trace.hasHead = true;
    if (trace.isFaulty) return;
    if (version > trace.version) {
      await this.name(streamId, trace, 'cut-off', `stream ${streamId} ended at version ${version} (table of streams)`);
    } else if (version < trace.version || mac?.toString('hex') !== trace.mac) {
      const problem = `the table of streams says that stream ${streamId} ends at version ${version} with another MAC or version`;
      await this.name(streamId, trace, 'head-differs', problem);
    }
  }

  private async name(streamId: string, trace: StreamTrace, kind: HistoryFault['kind'], problem: string): Promise<void> {
    if (trace.version === 0) {
      this.traces.name(trace, { kind: 'stream-missing', streamId, problem: `${problem}, and now it has no event` });
      return;
    }
    const [row] = await this.query<AuditedRow>(
      `SELECT ${AUDITED_COLUMNS} FROM events e WHERE e.stream_id = $1 AND e.version = $2`,
      [streamId, trace.version],
    );
    const said = `${problem}, and now its events end at version ${trace.version}`;
    this.traces.name(
      trace,
      row === undefined ? { kind, streamId, problem: said } : faultOf(kind, nameEvent(row), said),
    );
  }
}
