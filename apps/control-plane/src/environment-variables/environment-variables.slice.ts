import { VARIABLE_VISIBILITIES } from '../api-proxies/variable-visibility.port.ts';
import type { Slice } from '../slice.ts';
import { EnvironmentVariablesController } from './environment-variables.controller.ts';
import { ProjectVariableVisibilities } from './project-variable-visibilities.ts';
import {
  CreateVariableHandler,
  DeleteVariableHandler,
  GetVariablesHandler,
  UpdateVariableHandler,
} from './variable-handlers.ts';

export const environmentVariablesSlice: Slice = {
  controllers: [EnvironmentVariablesController],
  providers: [
    ...[CreateVariableHandler, UpdateVariableHandler, DeleteVariableHandler, GetVariablesHandler],
    { provide: VARIABLE_VISIBILITIES, useClass: ProjectVariableVisibilities },
  ],
};
