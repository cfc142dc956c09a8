import { CHANNEL_UPKEEP } from '../channel-upkeep/channel-upkeep.port.ts';
import { REFRESH_FAMILIES } from '../credentials/refresh-families.port.ts';
import { PROXY_CHECK } from '../api-proxies/proxy-check.port.ts';
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
import { Deployer } from './deployer/deployer.ts';
import { EnvironmentUpkeep } from './deployer/environment-upkeep.ts';
import { IdentityContent } from './deployer/identity-content.ts';
import { DeployJob } from './job/deploy-job.ts';

export const deploymentsSlice: Slice = {
  controllers: [DeploymentsController],
  providers: [
    ...[DeployProxyHandler, UndeployProxyHandler],
    ...[EnvironmentChannels, SigningKeys, ProjectKeys, ArtifactCompiler, DeployJob],
    ...[IdentityContent, EnvironmentUpkeep, Deployer],
    { provide: CHANNEL_UPKEEP, useExisting: Deployer },
    { provide: PROXY_CHECK, useClass: LinkedProxyCheck },
    { provide: REFRESH_FAMILIES, useClass: EnvironmentRefreshFamilies },
    { provide: KEY_STORE_USERS, useClass: DeployedKeyStoreUsers },
    { provide: VARIABLE_USERS, useClass: DeployedVariableUsers },
  ],
};
