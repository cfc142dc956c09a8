export { isNeverAnUpstream, METADATA_ADDRESSES } from './never-an-upstream.ts';
