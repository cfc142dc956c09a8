import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { VariableVisibilities, VariableVisibility } from '../api-proxies/variable-visibility.port.ts';
import { GetVariables } from './variable-handlers.ts';

/** The variables of a project as their GET shows them. */
@Injectable()
export class ProjectVariableVisibilities implements VariableVisibilities {
  constructor(private readonly queries: QueryBus) {}

  of(projectName: string): Promise<readonly VariableVisibility[]> {
    return this.queries.execute(new GetVariables(projectName, undefined));
  }
}
