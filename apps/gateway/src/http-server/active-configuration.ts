import type { Router } from '../router/router.ts';

/** What a gateway serves by. Replaced as a whole; a request reads it once and keeps it. */
export interface ActiveConfiguration {
  readonly router: Router;
}
