import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { Gauge } from 'prom-client';
import type { LeaseState, LogPosition } from '#libs/config-distribution';
import { DeploymentQueues } from '../../deployment-requests/deployment-queues.ts';
import { DATABASE } from '../../injection-tokens.ts';
import { ControlPlaneMetrics } from '../../operations/control-plane-metrics.ts';
import { EnvironmentChannels } from '../channel/environment-channels.ts';

interface EnvironmentRow {
  environment_id: string;
  name: string;
  epoch: string | null;
  sequence: string | null;
  untold: number;
}

interface MeasuredEnvironment {
  readonly environmentId: string;
  readonly environment: string;
  /** Where its log ended when something was last published; undefined before its first upkeep. */
  readonly known: LogPosition | undefined;
}

const ENVIRONMENTS = `select entity_id as environment_id, name, epoch, sequence,
    (select count(*)::int from token_revocations known
     where known.environment_id = entity_id and told_sequence is null) as untold
  from names left join environment_channels on environment_id = entity_id where kind = 'environment'`;

const isBehind = ({ loaded }: LeaseState, known: LogPosition | undefined): boolean =>
  known !== undefined && (loaded?.epoch !== known.epoch || loaded.sequence < known.sequence);

const isRejecting = ({ rejected, rejectedDeployments = [] }: LeaseState): boolean =>
  rejected.length + rejectedDeployments.length > 0;

/** The gateways and the queue of each environment, as they are when metrics are asked for. */
@Injectable()
export class RolloutGauges {
  private readonly live: Gauge<'environment'>;
  private readonly behind: Gauge<'environment'>;
  private readonly rejecting: Gauge<'environment'>;
  private readonly untold: Gauge<'environment'>;
  private readonly jobs: Gauge<'environment' | 'state'>;

  constructor(
    metrics: ControlPlaneMetrics,
    private readonly channels: EnvironmentChannels,
    private readonly queues: DeploymentQueues,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {
    const registers = [metrics.registry];
    const gauge = (name: string, help: string) =>
      new Gauge({ name: `gatewarden_${name}`, help, labelNames: ['environment'], registers });
    this.live = gauge('gateways_live', 'Gateways whose lease lives');
    this.behind = gauge('gateways_behind', 'Live gateways that have not read everything that is published');
    this.rejecting = gauge('gateways_rejecting', 'Live gateways that reject the newest deployment of some proxy');
    this.untold = gauge(
      'untold_revocations',
      'Revocations by apiops that the Redis of an environment was not told yet',
    );
    this.jobs = new Gauge({
      name: 'gatewarden_queue_jobs',
      help: 'Jobs in the queue of an environment that have not ended',
      labelNames: ['environment', 'state'],
      registers,
    });
    metrics.observe(() => this.refresh());
  }

  /** Environments go on in parallel: one whose Redis hangs keeps the others' gauges from nothing. */
  private async refresh(): Promise<void> {
    const { rows } = await this.database.query<EnvironmentRow>(ENVIRONMENTS);
    for (const gauge of [this.live, this.behind, this.rejecting, this.untold, this.jobs]) gauge.reset();
    for (const { name: environment, untold } of rows) this.untold.set({ environment }, untold);
    const measured = rows.map(({ environment_id: environmentId, name: environment, epoch, sequence }) => ({
      ...{ environmentId, environment },
      known: epoch === null ? undefined : { epoch, sequence: Number(sequence) },
    }));
    const done = await Promise.allSettled(measured.flatMap((one) => [this.measure(one), this.countJobs(one)]));
    if (done.some(({ status }) => status === 'rejected')) throw new Error('an environment could not be asked');
  }

  /** Of environments that this process has to do with anyway. */
  private async measure({ environmentId, environment, known }: MeasuredEnvironment): Promise<void> {
    if (!this.channels.kept.includes(environmentId)) return;
    const { answers } = await this.channels.of(environmentId);
    const leases = await answers.live();
    this.live.set({ environment }, leases.length);
    this.behind.set({ environment }, leases.filter((lease) => isBehind(lease, known)).length);
    this.rejecting.set({ environment }, leases.filter(isRejecting).length);
  }

  private async countJobs({ environmentId, environment }: MeasuredEnvironment): Promise<void> {
    const counts = await this.queues.openJobs(environmentId);
    for (const [state, count] of Object.entries(counts)) this.jobs.set({ environment, state }, count);
  }
}
