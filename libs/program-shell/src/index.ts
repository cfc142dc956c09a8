export { FailingWork, type FailingWorkTexts } from './failing-work.ts';
export { LOG_LEVELS, createLogger, errorFacts, FrameworkLogger, type Logger, type LogLevel } from './logger.ts';
export { programVersion } from './program-version.ts';
export { BadSettings, SettingsReader, type EnvironmentVariables } from './settings-reader.ts';
export { stopSignalHandler, type StopSignals } from './stop-signals.ts';
