import type { Slice } from '../slice.ts';
import {
  AddGatewayKeyHandler,
  CreateEnvironmentHandler,
  GetEnvironmentHandler,
  ListEnvironmentsHandler,
  ListGatewayKeysHandler,
  RevokeGatewayKeyHandler,
} from './environment-handlers.ts';
import { EnvironmentsController } from './environments.controller.ts';
import { environmentsProjection } from './environments.projection.ts';

export const environmentsSlice: Slice = {
  controllers: [EnvironmentsController],
  providers: [
    ...[CreateEnvironmentHandler, ListEnvironmentsHandler, GetEnvironmentHandler],
    ...[AddGatewayKeyHandler, RevokeGatewayKeyHandler, ListGatewayKeysHandler],
  ],
  projections: [environmentsProjection],
};
