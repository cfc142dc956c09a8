// Lets plain Node run a benchmark written in TypeScript; libs come from dist, as they run in production.
import { register } from 'node:module';

register('./typescript-only-hooks.mjs', import.meta.url);
