import type { VariableSource, VariableValue } from './variable-source.ts';

const read =
  (part: (date: Date) => VariableValue) =>
  ({ nowMs }: VariableSource): VariableValue =>
    part(new Date(nowMs));

/**
 * `system.time` and its parts, in UTC, at the time of the pipeline that runs; months count from 1, days of the week from
 * Sunday, which is 1, as Java's calendar counts them (the documentation gives no base).
 */
export const SYSTEM_TIME: readonly (readonly [string, (source: VariableSource) => VariableValue])[] = [
  // Wed, 21 Aug 2013 19:16:47 GMT
  ['system.time', read((date) => date.toUTCString())],
  ['system.time.year', read((date) => date.getUTCFullYear())],
  ['system.time.month', read((date) => date.getUTCMonth() + 1)],
  ['system.time.day', read((date) => date.getUTCDate())],
  ['system.time.dayofweek', read((date) => date.getUTCDay() + 1)],
  ['system.time.hour', read((date) => date.getUTCHours())],
  ['system.time.minute', read((date) => date.getUTCMinutes())],
  ['system.time.second', read((date) => date.getUTCSeconds())],
  ['system.time.millisecond', read((date) => date.getUTCMilliseconds())],
  ['system.time.zone', () => 'UTC'],
];
