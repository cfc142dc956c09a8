import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type pg from 'pg';
import { EVENT_STORE, PostgresEventStore, ProjectionRunner } from '#libs/event-store';
import { ApiProxiesController } from './api-proxies/api-proxies.controller.ts';
import { apiProxiesProjection } from './api-proxies/api-proxies.projection.ts';
import {
  AddEndpointHandler,
  ChangeProxyKeysHandler,
  CreateApiProxyHandler,
  DeleteApiProxyHandler,
  UpdateApiProxyHandler,
} from './api-proxies/api-proxy-handlers.ts';
import { ListApiProxiesHandler } from './api-proxies/list-api-proxies.handler.ts';
import { PoliciesController } from './api-proxies/policies.controller.ts';
import {
  AddPolicyHandler,
  DeletePolicyHandler,
  GetApiProxyHandler,
  UpdatePolicyHandler,
} from './api-proxies/policy-handlers.ts';
import { PROXY_CHECK } from './api-proxies/proxy-check.port.ts';
import { ProxyChanges } from './api-proxies/proxy-changes.ts';
import { CHANNEL_UPKEEP } from './channel-upkeep/channel-upkeep.port.ts';
import type { ControlPlaneConfig } from './config/control-plane.config.ts';
import {
  ChangePasswordHandler,
  CreateCredentialHandler,
  DeleteCredentialHandler,
  ListCredentialsHandler,
  UpdateCredentialHandler,
} from './credentials/credential-handlers.ts';
import { CredentialChanges } from './credentials/credential-changes.ts';
import { CredentialsController } from './credentials/credentials.controller.ts';
import { credentialsProjection } from './credentials/credentials.projection.ts';
import { DeploymentQueues } from './deployment-requests/deployment-queues.ts';
import { DeploymentRelay } from './deployment-requests/deployment-relay.ts';
import { DeploymentResults } from './deployment-requests/deployment-results.ts';
import { DeploymentRows } from './deployment-requests/deployment-rows.ts';
import { DeploymentSettled } from './deployment-requests/deployment-settled.ts';
import { EnvironmentNameCheck } from './deployment-requests/deployment-targets.ts';
import { ArtifactCompiler } from './deployments/artifact/artifact-compiler.ts';
import { DeployedVariableUsers } from './deployments/artifact/deployed-variable-users.ts';
import { SigningKeys } from './deployments/artifact/signing-keys.ts';
import { EnvironmentChannels } from './deployments/channel/environment-channels.ts';
import { LinkedProxyCheck } from './deployments/check/linked-proxy-check.ts';
import { DeployProxyHandler, UndeployProxyHandler } from './deployments/commands/deployment-handlers.ts';
import { DeploymentsController } from './deployments/commands/deployments.controller.ts';
import { Deployer } from './deployments/deployer/deployer.ts';
import { EnvironmentUpkeep } from './deployments/deployer/environment-upkeep.ts';
import { IdentityContent } from './deployments/deployer/identity-content.ts';
import { DeployJob } from './deployments/job/deploy-job.ts';
import { EnvironmentVariablesController } from './environment-variables/environment-variables.controller.ts';
import {
  CreateVariableHandler,
  DeleteVariableHandler,
  GetVariablesHandler,
  UpdateVariableHandler,
} from './environment-variables/variable-handlers.ts';
import { VARIABLE_USERS } from './environment-variables/variable-users.port.ts';
import {
  AddGatewayKeyHandler,
  CreateEnvironmentHandler,
  GetEnvironmentHandler,
  ListEnvironmentsHandler,
  ListGatewayKeysHandler,
  RevokeGatewayKeyHandler,
} from './environments/environment-handlers.ts';
import { EnvironmentsController } from './environments/environments.controller.ts';
import { environmentsProjection } from './environments/environments.projection.ts';
import { ApiErrorFilter } from './http/api-error.filter.ts';
import { CONTROL_PLANE_CONFIG, DATABASE, LOGGER, VAULT } from './injection-tokens.ts';
import type { Logger } from '#libs/program-shell';
import { ControlPlaneMetrics } from './operations/control-plane-metrics.ts';
import { HealthController } from './operations/health.controller.ts';
import { PROJECTION_RUNNER, ReadModels } from './persistence/read-models.ts';
import { SecretVault } from './persistence/secret-vault.ts';
import { UnitOfWork } from './persistence/unit-of-work.ts';
import { CreateProjectHandler, DeleteProjectHandler, ListProjectsHandler } from './projects/project-handlers.ts';
import { ProjectsController } from './projects/projects.controller.ts';
import { projectsProjection } from './projects/projects.projection.ts';

/** What a process brings with it. */
export interface ControlPlaneResources {
  readonly config: ControlPlaneConfig;
  /** Migrated; stays the caller's to close. */
  readonly database: pg.Pool;
  /** 32 bytes. */
  readonly masterKey: Buffer;
  readonly logger: Logger;
}

const COMMAND_HANDLERS = [
  ...[CreateProjectHandler, DeleteProjectHandler],
  ...[CreateEnvironmentHandler, AddGatewayKeyHandler, RevokeGatewayKeyHandler],
  ...[CreateApiProxyHandler, UpdateApiProxyHandler, DeleteApiProxyHandler, ChangeProxyKeysHandler, AddEndpointHandler],
  ...[AddPolicyHandler, UpdatePolicyHandler, DeletePolicyHandler],
  ...[CreateCredentialHandler, UpdateCredentialHandler, ChangePasswordHandler, DeleteCredentialHandler],
  ...[CreateVariableHandler, UpdateVariableHandler, DeleteVariableHandler],
  ...[DeployProxyHandler, UndeployProxyHandler],
];

const QUERY_HANDLERS = [
  ...[ListProjectsHandler, ListEnvironmentsHandler, GetEnvironmentHandler, ListGatewayKeysHandler],
  ...[ListApiProxiesHandler, GetApiProxyHandler, ListCredentialsHandler, GetVariablesHandler],
];

const API_CONTROLLERS = [
  ...[ProjectsController, EnvironmentsController, ApiProxiesController, PoliciesController],
  ...[CredentialsController, EnvironmentVariablesController, DeploymentsController],
];

const PROJECTIONS = [projectsProjection, environmentsProjection, apiProxiesProjection, credentialsProjection];

const DEPLOYMENT_PROVIDERS: Provider[] = [
  ...[DeploymentRows, DeploymentSettled, DeploymentQueues, DeploymentRelay, DeploymentResults, EnvironmentNameCheck],
  ...[EnvironmentChannels, SigningKeys, ArtifactCompiler, DeployJob],
  ...[IdentityContent, EnvironmentUpkeep, Deployer],
  { provide: CHANNEL_UPKEEP, useExisting: Deployer },
  { provide: PROXY_CHECK, useClass: LinkedProxyCheck },
  { provide: VARIABLE_USERS, useClass: DeployedVariableUsers },
];

function storageProviders({ database, masterKey, logger }: ControlPlaneResources): Provider[] {
  const store = new PostgresEventStore(database);
  const runner = new ProjectionRunner(store, PROJECTIONS, {
    onError: (projection, error) =>
      logger.error(
        { projection, reason: error instanceof Error ? error.message : String(error) },
        'a read model waits',
      ),
  });
  return [
    { provide: EVENT_STORE, useValue: store },
    { provide: PROJECTION_RUNNER, useValue: runner },
    { provide: VAULT, useValue: new SecretVault(masterKey) },
    ...[ReadModels, UnitOfWork],
  ];
}

/** The composition root of the control plane, whatever roles the process plays. */
@Module({})
export class ControlPlaneModule {
  static with(resources: ControlPlaneResources): DynamicModule {
    return {
      module: ControlPlaneModule,
      imports: [CqrsModule.forRoot()],
      controllers: [HealthController, ...(resources.config.roles.has('api') ? API_CONTROLLERS : [])],
      providers: [
        { provide: CONTROL_PLANE_CONFIG, useValue: resources.config },
        { provide: DATABASE, useValue: resources.database },
        { provide: LOGGER, useValue: resources.logger },
        { provide: APP_FILTER, useClass: ApiErrorFilter },
        ...storageProviders(resources),
        ...DEPLOYMENT_PROVIDERS,
        ...[ProxyChanges, CredentialChanges, ControlPlaneMetrics],
        ...COMMAND_HANDLERS,
        ...QUERY_HANDLERS,
      ],
    };
  }
}
