import { type FuzzTarget } from './fuzz-target.ts';
import { HTTP_REQUESTS } from './targets/http-requests.target.ts';
import { HTTP2_FRAMES } from './targets/http2-frames.target.ts';
import { SNAPSHOT_FILES } from './targets/snapshot-files.target.ts';

/** What needs no Redis. */
export const GATEWAY_TARGETS: readonly FuzzTarget[] = [HTTP_REQUESTS, HTTP2_FRAMES, SNAPSHOT_FILES];
