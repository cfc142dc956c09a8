import { LONGEST_HINT_CHARACTERS, parseChangeHint, type ChangeHint } from './change-hint.ts';
import type { LogPosition } from './config-channel.port.ts';

/** More than come between two looks of a gateway that keeps up; the log has the rest. */
const HINTS_KEPT = 100;

/** What was announced since the last look, as it came. */
export class HintQueue {
  private messages: string[] = [];

  offer(message: string): void {
    if (this.messages.length >= HINTS_KEPT || message.length > LONGEST_HINT_CHARACTERS) return;
    this.messages.push(message);
  }

  /** The changes right behind a place, without gaps, as far as the hints have them. Nothing stays behind. */
  takeBehind({ epoch, sequence }: LogPosition): readonly ChangeHint[] {
    const taken: ChangeHint[] = [];
    for (const message of this.messages.splice(0)) {
      const hint = parseChangeHint(message);
      if (hint?.epoch !== epoch) return taken;
      const isNext = hint.record.sequence === sequence + taken.length + 1;
      if (isNext) taken.push(hint);
      else if (!(hint.record.sequence <= sequence + taken.length)) return taken;
    }
    return taken;
  }
}
