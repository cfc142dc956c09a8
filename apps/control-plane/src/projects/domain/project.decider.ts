import type { DomainEvent } from '#libs/event-store';
import { unreachable, type Decider } from '../../decider/decider.ts';
import { notFound } from '../../decider/domain-error.ts';

export type ProjectCreated = DomainEvent<'ProjectCreated', { projectId: string; name: string; description: string }>;
export type ProjectDeleted = DomainEvent<'ProjectDeleted', { projectId: string; name: string }>;
export type ProjectEvent = ProjectCreated | ProjectDeleted;

export type ProjectState =
  { readonly status: 'absent' } | { readonly status: 'active'; readonly projectId: string; readonly name: string };

export type ProjectCommand =
  | { readonly type: 'CreateProject'; readonly projectId: string; readonly name: string; readonly description: string }
  | { readonly type: 'DeleteProject' };

export const projectStream = (projectId: string): string => `project-${projectId}`;

export const projectDecider: Decider<ProjectState, ProjectCommand, ProjectEvent> = {
  initialState: { status: 'absent' },
  evolve(_state, event) {
    switch (event.type) {
      case 'ProjectCreated':
        return { status: 'active', projectId: event.data.projectId, name: event.data.name };
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
