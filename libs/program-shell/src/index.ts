export { LOG_LEVELS, createLogger, errorFacts, FrameworkLogger, type Logger, type LogLevel } from './logger.ts';
export { BadSettings, SettingsReader, type EnvironmentVariables } from './settings-reader.ts';
