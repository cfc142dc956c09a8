export { CapturedLog } from './captured-log.ts';
