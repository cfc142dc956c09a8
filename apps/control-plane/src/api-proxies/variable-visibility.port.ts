/** An environment variable of a project, and where it has a value that may be shown. */
export interface VariableVisibility {
  readonly name: string;
  /** True when it has no value for all environments. */
  readonly globalVisible: boolean;
  readonly environmentValueList: readonly { readonly environmentName: string; readonly visible: boolean }[];
}

/** What may be shown of the environment variables of a project. */
export interface VariableVisibilities {
  /** @throws DomainError NOT_FOUND when the project is not there */
  of(projectName: string): Promise<readonly VariableVisibility[]>;
}
export const VARIABLE_VISIBILITIES = Symbol('VARIABLE_VISIBILITIES');
