import { CHANNEL_UPKEEP } from '../channel-upkeep/channel-upkeep.port.ts';
import { REFRESH_FAMILIES } from '../credentials/refresh-families.port.ts';
import { PROXY_CHECK } from '../api-proxies/proxy-check.port.ts';
import { KEY_SET_ORDERS_DELIVERY } from '../environments/key-sets/key-set-orders.port.ts';
import { REVOCATIONS_DELIVERY } from '../environments/revocations/revocations.port.ts';
import { KEY_STORE_USERS } from '../key-stores/key-store-users.port.ts';
import { VARIABLE_USERS } from '../environment-variables/variable-users.port.ts';
import type { Slice } from '../slice.ts';
import { ArtifactCompiler } from './artifact/artifact-compiler.ts';
import { DeployedKeyStoreUsers } from './artifact/deployed-key-store-users.ts';
import { DeployedVariableUsers } from './artifact/deployed-variable-users.ts';
import { ProjectKeys } from './artifact/project-keys.ts';
import { SigningKeys } from './artifact/signing-keys.ts';
import { EnvironmentChannels } from './channel/environment-channels.ts';
import { EnvironmentRefreshFamilies } from './channel/environment-refresh-families.ts';
import { LinkedProxyCheck } from './check/linked-proxy-check.ts';
import { DeployProxyHandler, UndeployProxyHandler } from './commands/deployment-handlers.ts';
import { DeploymentsController } from './commands/deployments.controller.ts';
import { PromoteProxyHandler } from './commands/promote.handler.ts';
import { RevisionDeployment } from './commands/revision-deployment.ts';
import { Deployer } from './deployer/deployer.ts';
import { EnvironmentTelling } from './deployer/environment-telling.ts';
import { EnvironmentUpkeep } from './deployer/environment-upkeep.ts';
import { IdentityContent } from './deployer/identity-content.ts';
import { IdentityTelling } from './deployer/identity-telling.ts';
import { RevocationTelling } from './deployer/revocation-telling.ts';
import { DriftController } from './operations/drift.controller.ts';
import { GetDriftHandler, RepairDriftHandler } from './operations/drift.handlers.ts';
import { DriftReports } from './drift/drift-report.ts';
import { ChannelRepair } from './drift/channel-repair.ts';
import { EnvironmentMirrors } from './drift/environment-mirrors.ts';
import { DriftMetrics } from './drift/drift-metrics.ts';
import { DriftRepair } from './drift/drift-repair.ts';
import { DriftWatch } from './drift/drift-watch.ts';
import { DeployJob } from './job/deploy-job.ts';
import { DeploymentEnds } from './job/deployment-ends.ts';
import { DisputedHead } from './job/disputed-head.ts';
import { ChannelMetrics } from './channel/channel-metrics.ts';
import { ToldKeySetOrders } from './key-set-orders/told-key-set-orders.ts';
import { ToldRevocations } from './revocations/told-revocations.ts';
import { EndedDeployments } from './metrics/ended-deployments.ts';
import { RolloutGauges } from './metrics/rollout-gauges.ts';
import { GetDeployStatusHandler } from './operations/deploy-status.query.ts';
import { ListGatewaysHandler } from './operations/gateways.query.ts';
import { PresentDrift } from './operations/present-drift.ts';
import { DeployedProxyController, EnvironmentOperationsController } from './operations/operations.controller.ts';
import { GetQueueHandler } from './operations/queue-view.query.ts';
import { GetRouteHealthHandler } from './operations/route-health.query.ts';
import { DeploymentProgressController } from './progress/deployment-progress.controller.ts';
import { GetDeploymentHandler } from './progress/deployment-progress.query.ts';
import { PresentKeySets } from './progress/present-key-sets.ts';
import { DeployStrategyController } from './rollouts/deploy-strategy.controller.ts';
import { ChangeDeployStrategyHandler, GetDeployStrategyHandler } from './rollouts/deploy-strategy.handlers.ts';
import { RolloutRunner } from './rollouts/rollout-runner.ts';
import { RolloutSteps } from './rollouts/rollout-steps.ts';

export const deploymentsSlice: Slice = {
  controllers: [
    ...[DeploymentsController, DeployedProxyController, EnvironmentOperationsController, DriftController],
    ...[DeploymentProgressController, DeployStrategyController],
  ],
  providers: [
    ...[DeployProxyHandler, UndeployProxyHandler, PromoteProxyHandler, RevisionDeployment],
    ...[GetDeployStatusHandler, GetRouteHealthHandler, ListGatewaysHandler, GetQueueHandler],
    ...[GetDeploymentHandler, PresentKeySets],
    ...[ChangeDeployStrategyHandler, GetDeployStrategyHandler, RolloutSteps, RolloutRunner],
    ...[ChannelMetrics, EndedDeployments, RolloutGauges],
    ...[EnvironmentChannels, SigningKeys, ProjectKeys, ArtifactCompiler],
    ...[DeploymentEnds, DisputedHead, DeployJob],
    ...[IdentityContent, IdentityTelling, RevocationTelling, EnvironmentTelling, EnvironmentUpkeep, Deployer],
    ...[EnvironmentMirrors, ChannelRepair, DriftMetrics, DriftRepair, DriftWatch, DriftReports],
    ...[PresentDrift, GetDriftHandler, RepairDriftHandler],
    { provide: CHANNEL_UPKEEP, useExisting: Deployer },
    { provide: PROXY_CHECK, useClass: LinkedProxyCheck },
    { provide: KEY_SET_ORDERS_DELIVERY, useClass: ToldKeySetOrders },
    { provide: REVOCATIONS_DELIVERY, useClass: ToldRevocations },
    { provide: REFRESH_FAMILIES, useClass: EnvironmentRefreshFamilies },
    { provide: KEY_STORE_USERS, useClass: DeployedKeyStoreUsers },
    { provide: VARIABLE_USERS, useClass: DeployedVariableUsers },
  ],
};
