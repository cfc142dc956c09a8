import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type pg from 'pg';
import { EVENT_STORE, PostgresEventStore, ProjectionRunner } from '#libs/event-store';
import { FailingWork, type Logger } from '#libs/program-shell';
import type { ControlPlaneConfig } from './config/control-plane.config.ts';
import { DeploymentQueues } from './deployment-requests/deployment-queues.ts';
import { DeploymentRelay } from './deployment-requests/deployment-relay.ts';
import { DeploymentResults } from './deployment-requests/deployment-results.ts';
import { DeploymentRows } from './deployment-requests/deployment-rows.ts';
import { DeploymentSettled } from './deployment-requests/deployment-settled.ts';
import { OvertakenWishes } from './deployment-requests/overtaken-wishes.ts';
import { EnvironmentNameCheck } from './deployment-requests/deployment-targets.ts';
import { ApiErrorFilter } from './http/api-error.filter.ts';
import { IdempotencyReplays } from './http/idempotency/idempotency-replays.ts';
import { IdempotencyInterceptor } from './http/idempotency/idempotency.interceptor.ts';
import { ClientAddresses } from './http/access/client-addresses.ts';
import { FailedAttempts } from './http/access/failed-attempts.ts';
import { RequestBudgets } from './http/access/request-budgets.ts';
import { PermissionGuard } from './http/access/permission.guard.ts';
import { ProgressStreams } from './http/progress-streams.ts';
import { ADMIN_TOKEN, CONTROL_PLANE_CONFIG, DATABASE, HISTORY_KEYS, LOGGER, VAULT } from './injection-tokens.ts';
import { ControlPlaneMetrics } from './operations/control-plane-metrics.ts';
import { HealthController } from './operations/health.controller.ts';
import type { DataKeys } from './persistence/data-keys/data-keys.ts';
import { IdempotencyClaims } from './persistence/idempotency-claims.ts';
import { PROJECTION_RUNNER, ReadModels } from './persistence/read-models.ts';
import { SecretVault } from './persistence/secret-vault.ts';
import { UnitOfWork } from './persistence/unit-of-work.ts';
import { PROJECTIONS, SLICES, UPCASTERS } from './slices.ts';

/** What a process brings with it. */
export interface ControlPlaneResources {
  readonly config: ControlPlaneConfig;
  /** Migrated; stays the caller's to close. */
  readonly database: pg.Pool;
  readonly keys: DataKeys;
  readonly logger: Logger;
}

/** The wish to deploy and what became of it: what every slice that changes something shares. */
const DEPLOYMENT_REQUESTS: readonly Provider[] = [
  ...[DeploymentRows, DeploymentSettled, DeploymentQueues, OvertakenWishes, DeploymentRelay, DeploymentResults],
  EnvironmentNameCheck,
];

function storageProviders({ database, keys, logger }: ControlPlaneResources): Provider[] {
  const store = new PostgresEventStore(database, keys.history, {
    upcasters: UPCASTERS,
    onUntrustedSnapshot: (streamId, version) =>
      logger.error({ streamId, version }, 'a snapshot in the database was not made here: passed over'),
  });
  const texts = { fails: 'a read model waits', works: 'a read model goes on', level: 'error' } as const;
  const works = new Map(PROJECTIONS.map(({ name }) => [name, new FailingWork(logger, texts, { projection: name })]));
  const runner = new ProjectionRunner(store, PROJECTIONS, {
    onError: (projection, error) => works.get(projection)?.failed(error),
    onRecovered: (projection) => works.get(projection)?.worked(),
  });
  return [
    { provide: EVENT_STORE, useValue: store },
    { provide: HISTORY_KEYS, useValue: keys.history },
    { provide: PROJECTION_RUNNER, useValue: runner },
    { provide: VAULT, useValue: new SecretVault(keys) },
    ...[ReadModels, UnitOfWork],
  ];
}

/** The composition root of the control plane, whatever roles the process plays. */
@Module({})
export class ControlPlaneModule {
  static with(resources: ControlPlaneResources, adminToken: string): DynamicModule {
    const isApi = resources.config.roles.has('api');
    return {
      module: ControlPlaneModule,
      imports: [CqrsModule.forRoot()],
      controllers: [HealthController, ...(isApi ? SLICES.flatMap((slice) => slice.controllers) : [])],
      providers: [
        { provide: CONTROL_PLANE_CONFIG, useValue: resources.config },
        { provide: DATABASE, useValue: resources.database },
        { provide: LOGGER, useValue: resources.logger },
        { provide: APP_FILTER, useClass: ApiErrorFilter },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        ...[IdempotencyClaims, IdempotencyReplays],
        { provide: APP_GUARD, useClass: PermissionGuard },
        { provide: ADMIN_TOKEN, useValue: adminToken },
        ...[ClientAddresses, FailedAttempts, RequestBudgets],
        ...storageProviders(resources),
        ...DEPLOYMENT_REQUESTS,
        ...[ControlPlaneMetrics, ProgressStreams],
        ...SLICES.flatMap((slice) => slice.providers),
      ],
    };
  }
}
