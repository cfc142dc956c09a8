import { Controller, Get, Header } from '@nestjs/common';
import { programVersion } from '#libs/program-shell';
import { ApiCall } from '../http/api-call.ts';
import { DocumentedCalls } from './documented-calls.ts';
import { openApiDocument } from './openapi-document.ts';
import { TRY_IT_PAGE, TRY_IT_POLICY } from './try-it-page.ts';

const DOCUMENT = {
  tag: 'Documentation',
  permission: 'ANY_TOKEN',
  summary: 'This document',
  isPublic: true,
  answer: { mediaType: 'application/json' },
} as const;
const PAGE = {
  tag: 'Documentation',
  permission: 'ANY_TOKEN',
  summary: 'A page to try the calls at',
  isPublic: true,
  answer: { mediaType: 'text/html' },
} as const;

/** What the API is, for programs and for people; without a token, since it says nothing of anybody's data. */
@Controller('apiops')
export class OpenApiController {
  private document: unknown;

  constructor(private readonly calls: DocumentedCalls) {}

  @Get('openapi')
  @ApiCall(DOCUMENT)
  openApi(): unknown {
    this.document ??= openApiDocument(this.calls.all(), programVersion(import.meta.dirname));
    return this.document;
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', TRY_IT_POLICY)
  @Header('x-content-type-options', 'nosniff')
  @Header('x-frame-options', 'DENY')
  @Header('referrer-policy', 'no-referrer')
  @ApiCall(PAGE)
  page(): string {
    return TRY_IT_PAGE;
  }
}
