export { isNeverAnUpstream } from './never-an-upstream.ts';
