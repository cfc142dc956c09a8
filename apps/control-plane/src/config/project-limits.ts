import type { SettingsReader } from '#libs/program-shell';
import {
  eachLimit,
  LARGEST_PROJECT_LIMIT,
  PROJECT_LIMITS,
  type ProjectLimits,
} from '../projects/domain/project-limits.ts';

export const readProjectLimits = (reader: SettingsReader): ProjectLimits =>
  eachLimit((name) => {
    const { setting, usual } = PROJECT_LIMITS[name];
    return reader.integer(setting, [1, LARGEST_PROJECT_LIMIT], usual);
  });
