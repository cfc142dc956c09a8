import type { PostgresTransaction, Projection, Upcasters } from '#libs/event-store';
import { accessTokensSlice } from './access-tokens/access-tokens.slice.ts';
import { apiProxiesSlice } from './api-proxies/api-proxies.slice.ts';
import { auditSlice } from './audit/audit.slice.ts';
import { auditTrailSlice } from './audit-trail/audit-trail.slice.ts';
import { credentialsSlice } from './credentials/credentials.slice.ts';
import { deploymentsSlice } from './deployments/deployments.slice.ts';
import { environmentVariablesSlice } from './environment-variables/environment-variables.slice.ts';
import { environmentsSlice } from './environments/environments.slice.ts';
import { keyStoresSlice } from './key-stores/key-stores.slice.ts';
import { openApiSlice } from './openapi/openapi.slice.ts';
import { projectsSlice } from './projects/projects.slice.ts';
import type { Slice } from './slice.ts';

/** Everything that the control plane consists of, beside the ground that all slices share. */
export const SLICES: readonly Slice[] = [
  ...[accessTokensSlice, projectsSlice, environmentsSlice, apiProxiesSlice],
  ...[credentialsSlice, environmentVariablesSlice, keyStoresSlice, deploymentsSlice, openApiSlice],
  ...[auditTrailSlice, auditSlice],
];

export const UPCASTERS: Upcasters = new Map(SLICES.flatMap((slice) => slice.upcasters ?? []));

export const PROJECTIONS: readonly Projection<PostgresTransaction>[] = SLICES.flatMap(
  (slice) => slice.projections ?? [],
);
