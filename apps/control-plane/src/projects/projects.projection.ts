import { rowProjection, withoutRow } from '../persistence/row-projection.ts';
import type { ProjectEvent } from './domain/project.decider.ts';

interface ProjectRow {
  readonly project_id: string;
  readonly name: string;
  readonly description: string;
}

export const projectsProjection = rowProjection<ProjectRow, ProjectEvent>({
  ...{ name: 'projects', table: 'read_projects', key: 'project_id' },
  columns: { project_id: 'text', name: 'text', description: 'text' },
  keyOf: ({ data }) => data.projectId,
  evolve: {
    ProjectCreated: (_, { data: { projectId, name, description } }) => ({ project_id: projectId, name, description }),
    ProjectDeleted: withoutRow,
  },
});
