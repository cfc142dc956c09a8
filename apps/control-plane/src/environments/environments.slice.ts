import type { Slice } from '../slice.ts';
import { DeleteEnvironmentHandler, UpdateEnvironmentHandler } from './change-environment-handlers.ts';
import { AddGatewayKeyHandler, CreateEnvironmentHandler, RevokeGatewayKeyHandler } from './environment-handlers.ts';
import {
  GetEnvironmentHandler,
  ListEnvironmentsHandler,
  ListEnvironmentsOfProjectHandler,
  ListGatewayKeysHandler,
} from './environment-views.ts';
import { EnvironmentsController, ProjectEnvironmentsController } from './environments.controller.ts';
import { environmentsProjection } from './environments.projection.ts';
import { KeySetOrdersController } from './key-sets/key-set-orders.controller.ts';
import { OrderKeySetsHandler } from './key-sets/key-set-orders.handlers.ts';
import { keySetOrdersProjection } from './key-sets/key-set-orders.projection.ts';
import { GetKeySetOrdersHandler } from './key-sets/key-set-orders.query.ts';
import { tokenLivesProjection } from '../channel-upkeep/token-lives.ts';
import { RevocationsController } from './revocations/revocations.controller.ts';
import { RevokeTokensHandler } from './revocations/revoke-tokens.handler.ts';
import { revocationsProjection } from './revocations/revocations.projection.ts';
import { ListRevocationsHandler } from './revocations/revocations.query.ts';

export const environmentsSlice: Slice = {
  controllers: [EnvironmentsController, ProjectEnvironmentsController, KeySetOrdersController, RevocationsController],
  providers: [
    ...[CreateEnvironmentHandler, UpdateEnvironmentHandler, DeleteEnvironmentHandler],
    ...[ListEnvironmentsHandler, GetEnvironmentHandler, ListEnvironmentsOfProjectHandler],
    ...[AddGatewayKeyHandler, RevokeGatewayKeyHandler, ListGatewayKeysHandler],
    ...[OrderKeySetsHandler, GetKeySetOrdersHandler],
    ...[RevokeTokensHandler, ListRevocationsHandler],
  ],
  projections: [environmentsProjection, keySetOrdersProjection, revocationsProjection, tokenLivesProjection],
};
