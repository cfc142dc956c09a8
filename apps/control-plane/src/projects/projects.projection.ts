import { projection } from '../persistence/read-models.ts';
import type { ProjectCreated, ProjectDeleted } from './domain/project.decider.ts';

export const projectsProjection = projection('projects', 'read_projects', {
  ProjectCreated: (transaction, event) => {
    const { projectId, name, description } = event.data as ProjectCreated['data'];
    return transaction.query('insert into read_projects (project_id, name, description) values ($1, $2, $3)', [
      projectId,
      name,
      description,
    ]);
  },
  ProjectDeleted: (transaction, event) =>
    transaction.query('delete from read_projects where project_id = $1', [
      (event.data as ProjectDeleted['data']).projectId,
    ]),
});
