import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { Slice } from '../slice.ts';
import { DocumentedCalls } from './documented-calls.ts';
import { OpenApiController } from './openapi.controller.ts';

export const openApiSlice: Slice = {
  controllers: [OpenApiController],
  providers: [DiscoveryService, MetadataScanner, DocumentedCalls],
};
