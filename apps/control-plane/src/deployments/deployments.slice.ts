import { CHANNEL_UPKEEP } from '../channel-upkeep/channel-upkeep.port.ts';
import { PROXY_CHECK } from '../api-proxies/proxy-check.port.ts';
import { VARIABLE_USERS } from '../environment-variables/variable-users.port.ts';
import type { Slice } from '../slice.ts';
import { ArtifactCompiler } from './artifact/artifact-compiler.ts';
import { DeployedVariableUsers } from './artifact/deployed-variable-users.ts';
import { SigningKeys } from './artifact/signing-keys.ts';
import { EnvironmentChannels } from './channel/environment-channels.ts';
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
    ...[EnvironmentChannels, SigningKeys, ArtifactCompiler, DeployJob],
    ...[IdentityContent, EnvironmentUpkeep, Deployer],
    { provide: CHANNEL_UPKEEP, useExisting: Deployer },
    { provide: PROXY_CHECK, useClass: LinkedProxyCheck },
    { provide: VARIABLE_USERS, useClass: DeployedVariableUsers },
  ],
};
