import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { notFound } from '../decider/domain-error.ts';
import { ApiCall } from '../http/api-call.ts';
import { readBody } from '../http/bodies/request-bodies.ts';
import { requestIdOf } from '../http/request-context.ts';
import { resolveProject } from '../persistence/project-scope.ts';
import { UnitOfWork } from '../persistence/unit-of-work.ts';
import { AuditExports } from './audit-exports.ts';
import { AUDIT_QUERY, PROJECT_AUDIT_QUERY, selectionOf, type AuditSelection } from './audit-selection.ts';
import { AUDIT_CALLS } from './audit-trail.api.ts';

/** The log as a file: for an archive, a search engine, an auditor. */
@Controller('apiops')
export class AuditTrailController {
  constructor(
    private readonly exports: AuditExports,
    private readonly units: UnitOfWork,
  ) {}

  @Get('audit/events')
  @ApiCall(AUDIT_CALLS.all)
  async all(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { projectName, ...range } = readBody(AUDIT_QUERY, query);
    if (projectName === undefined) return this.send(selectionOf(range), request, reply);
    const projectIds = await this.exports.trail.projectsNamed(projectName);
    if (projectIds.length === 0) throw notFound(`Project (name: ${projectName})`);
    await this.send({ ...selectionOf(range), projectIds }, request, reply);
  }

  @Get('projects/:projectName/audit/events')
  @ApiCall(AUDIT_CALLS.ofProject)
  async ofProject(
    @Param('projectName') projectName: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const range = readBody(PROJECT_AUDIT_QUERY, query);
    const projectId = await this.units.read((unit) => resolveProject(unit, projectName));
    await this.send({ ...selectionOf(range), projectIds: [projectId] }, request, reply);
  }

  private async send(selection: AuditSelection, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const lines = await this.exports.begin(selection, requestIdOf(request));
    void reply
      .header('content-type', 'application/x-ndjson; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(lines);
  }
}
