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

export const environmentsSlice: Slice = {
  controllers: [EnvironmentsController, ProjectEnvironmentsController],
  providers: [
    ...[CreateEnvironmentHandler, UpdateEnvironmentHandler, DeleteEnvironmentHandler],
    ...[ListEnvironmentsHandler, GetEnvironmentHandler, ListEnvironmentsOfProjectHandler],
    ...[AddGatewayKeyHandler, RevokeGatewayKeyHandler, ListGatewayKeysHandler],
  ],
  projections: [environmentsProjection],
};
