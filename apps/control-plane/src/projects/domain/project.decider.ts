import type { DomainEvent } from '#libs/event-store';
import type { DeployStrategy } from '#libs/policy-contracts';
import { unreachable, type Decider } from '../../decider/decider.ts';
import { notFound } from '../../decider/domain-error.ts';
import type { ProjectLimitName } from './project-limits.ts';

export type ProjectCreated = DomainEvent<'ProjectCreated', { projectId: string; name: string; description: string }>;
export type ProjectDeleted = DomainEvent<'ProjectDeleted', { projectId: string; name: string }>;
/** null: deployments go everywhere at once again. */
export type DeployStrategyChanged = DomainEvent<
  'DeployStrategyChanged',
  { projectId: string; strategy: DeployStrategy | null }
>;
/** null: that of the settings. */
export type OwnLimits = Readonly<Record<ProjectLimitName, number | null>>;
export type ProjectLimitsChanged = DomainEvent<'ProjectLimitsChanged', { projectId: string; limits: OwnLimits }>;
export type ProjectEvent = ProjectCreated | ProjectDeleted | DeployStrategyChanged | ProjectLimitsChanged;

export type ProjectState =
  | { readonly status: 'absent' }
  | {
      readonly status: 'active';
      readonly projectId: string;
      readonly name: string;
      /** In what order changes of its proxies reach the environments, where they do not say. */
      readonly deployStrategy: DeployStrategy | null;
      /** Left out: it never had any of its own. */
      readonly limits?: OwnLimits;
    };

export type ProjectCommand =
  | { readonly type: 'CreateProject'; readonly projectId: string; readonly name: string; readonly description: string }
  | { readonly type: 'ChangeDeployStrategy'; readonly strategy: DeployStrategy | null }
  | { readonly type: 'ChangeLimits'; readonly limits: OwnLimits }
  | { readonly type: 'DeleteProject' };

export const projectStream = (projectId: string): string => `project-${projectId}`;

export const projectDecider: Decider<ProjectState, ProjectCommand, ProjectEvent> = {
  initialState: { status: 'absent' },
  snapshotShape: 'project@2',
  evolve(state, event) {
    switch (event.type) {
      case 'ProjectCreated':
        return { status: 'active', projectId: event.data.projectId, name: event.data.name, deployStrategy: null };
      case 'DeployStrategyChanged':
        return state.status === 'absent' ? state : { ...state, deployStrategy: event.data.strategy };
      case 'ProjectLimitsChanged':
        return state.status === 'absent' ? state : { ...state, limits: event.data.limits };
      case 'ProjectDeleted':
        return { status: 'absent' };
      default:
        return unreachable(event);
    }
  },
  decide(command, state) {
    switch (command.type) {
      case 'CreateProject': {
        const { projectId, name, description } = command;
        return [{ type: 'ProjectCreated', schemaVersion: 1, data: { projectId, name, description } }];
      }
      case 'ChangeDeployStrategy': {
        if (state.status === 'absent') throw notFound('Project');
        const data = { projectId: state.projectId, strategy: command.strategy };
        return [{ type: 'DeployStrategyChanged', schemaVersion: 1, data }];
      }
      case 'ChangeLimits': {
        if (state.status === 'absent') throw notFound('Project');
        const data = { projectId: state.projectId, limits: command.limits };
        return [{ type: 'ProjectLimitsChanged', schemaVersion: 1, data }];
      }
      case 'DeleteProject': {
        if (state.status === 'absent') throw notFound('Project');
        const { projectId, name } = state;
        return [{ type: 'ProjectDeleted', schemaVersion: 1, data: { projectId, name } }];
      }
      default:
        return unreachable(command);
    }
  },
};
