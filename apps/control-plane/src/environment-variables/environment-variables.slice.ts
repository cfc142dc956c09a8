import type { Slice } from '../slice.ts';
import { EnvironmentVariablesController } from './environment-variables.controller.ts';
import {
  CreateVariableHandler,
  DeleteVariableHandler,
  GetVariablesHandler,
  UpdateVariableHandler,
} from './variable-handlers.ts';

export const environmentVariablesSlice: Slice = {
  controllers: [EnvironmentVariablesController],
  providers: [CreateVariableHandler, UpdateVariableHandler, DeleteVariableHandler, GetVariablesHandler],
};
