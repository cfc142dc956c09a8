import type { Slice } from '../slice.ts';
import { CreateProjectHandler, DeleteProjectHandler, ListProjectsHandler } from './project-handlers.ts';
import { ProjectsController } from './projects.controller.ts';
import { projectsProjection } from './projects.projection.ts';

export const projectsSlice: Slice = {
  controllers: [ProjectsController],
  providers: [CreateProjectHandler, DeleteProjectHandler, ListProjectsHandler],
  projections: [projectsProjection],
};
