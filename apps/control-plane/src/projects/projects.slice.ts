import type { Slice } from '../slice.ts';
import { CreateProjectHandler, DeleteProjectHandler, ListProjectsHandler } from './project-handlers.ts';
import { ProjectLimitsController } from './limits/project-limits.controller.ts';
import { CountedRoom } from './limits/counted-room.ts';
import { ChangeProjectLimitsHandler, GetProjectLimitsHandler } from './limits/project-limits.handlers.ts';
import { ROOM_IN_PROJECT } from './limits/room-in-project.port.ts';
import { ProjectsController } from './projects.controller.ts';
import { projectsProjection } from './projects.projection.ts';

export const projectsSlice: Slice = {
  controllers: [ProjectsController, ProjectLimitsController],
  providers: [
    ...[CreateProjectHandler, DeleteProjectHandler, ListProjectsHandler],
    ...[ChangeProjectLimitsHandler, GetProjectLimitsHandler],
    { provide: ROOM_IN_PROJECT, useClass: CountedRoom },
  ],
  projections: [projectsProjection],
};
