import type { Slice } from '../slice.ts';
import { CreateProjectHandler, DeleteProjectHandler, ListProjectsHandler } from './project-handlers.ts';
import { ProjectLimitsController } from './limits/project-limits.controller.ts';
import { ChangeProjectLimitsHandler, GetProjectLimitsHandler } from './limits/project-limits.handlers.ts';
import { RoomInProject } from './limits/room-in-project.ts';
import { ProjectsController } from './projects.controller.ts';
import { projectsProjection } from './projects.projection.ts';

export const projectsSlice: Slice = {
  controllers: [ProjectsController, ProjectLimitsController],
  providers: [
    ...[CreateProjectHandler, DeleteProjectHandler, ListProjectsHandler],
    ...[ChangeProjectLimitsHandler, GetProjectLimitsHandler, RoomInProject],
  ],
  projections: [projectsProjection],
};
