/** When all fuzzed tokens are judged, in seconds since the epoch. */
export const FUZZ_NOW_SECONDS = 1_700_000_000;
