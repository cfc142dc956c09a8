import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '#libs/event-store';

/** The control plane's own tables; the event store brings its own set. */
export const CONTROL_PLANE_MIGRATIONS: MigrationSet = {
  directory: fileURLToPath(new URL('./migrations', import.meta.url)),
  table: 'control_plane_migrations',
};
