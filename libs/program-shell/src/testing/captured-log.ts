import { createLogger, type Logger } from '../logger.ts';

/** A logger whose lines a test can read. */
export class CapturedLog {
  readonly lines: Record<string, unknown>[] = [];
  readonly logger: Logger = createLogger('trace', {
    write: (line) => void this.lines.push(JSON.parse(line) as Record<string, unknown>),
  });

  at(level: string): string[] {
    return this.lines.filter((line) => line['level'] === level).map((line) => String(line['msg']));
  }

  get text(): string {
    return JSON.stringify(this.lines);
  }
}
