import type { Edge } from './parse-regex.ts';
import { MAX_MATCH_WORK, RegexWorkExceeded } from './regex-matcher.ts';
import type { RegexProgram } from './regex-program.ts';
import type { StepMeter } from './step-meter.ts';

/** Where a match is; `end` is not part of it. */
export interface RegexMatch {
  readonly start: number;
  readonly end: number;
}

/** A way through an expression, and where in the text it began. */
interface Thread {
  readonly instruction: number;
  readonly start: number;
}

/** Where threads are followed, and who takes a character there. */
interface Place {
  readonly text: string;
  readonly position: number;
  readonly takers: Thread[];
}

interface Followed {
  readonly takers: readonly Thread[];
  /** Where the match began that ends here. */
  readonly start: number | undefined;
}

const END = -1;

/**
 * Looks for the parts of a text that an expression matches: the leftmost first, and of those that begin together the one
 * that Java prefers. All ways are followed at once, in the order of preference (Pike's machine without captures), so a
 * character costs at most the size of the expression; a search that goes far beyond each match is stopped.
 */
export class RegexSearch {
  private readonly program: RegexProgram;
  /** By instruction: the last round it was reached in. */
  private readonly reachedIn: Uint32Array;
  private round = 0;
  private work = 0;

  constructor(program: RegexProgram) {
    this.program = program;
    this.reachedIn = new Uint32Array(program.instructions.length);
  }

  /** At most `limit` matches, from left to right. @throws RegexWorkExceeded */
  matchesIn(text: string, limit: number, meter?: StepMeter): readonly RegexMatch[] {
    this.work = 0;
    this.round = 0;
    this.reachedIn.fill(0);
    const found: RegexMatch[] = [];
    for (let from = 0; from <= text.length && found.length < limit;) {
      const match = this.firstFrom(text, from);
      if (match === undefined) break;
      found.push(match);
      from = match.end > match.start ? match.end : match.end + lengthAt(text, match.end);
    }
    if (meter !== undefined) meter.steps += this.work;
    return found;
  }

  private firstFrom(text: string, from: number): RegexMatch | undefined {
    let pending: Thread[] = [];
    let match: RegexMatch | undefined;
    for (let position = from; ; position += lengthAt(text, position)) {
      if (match === undefined) pending.push({ instruction: 0, start: position });
      const { takers, start } = this.follow(pending, text, position);
      if (start !== undefined) match = { start, end: position };
      if (position >= text.length || (match !== undefined && takers.length === 0)) return match;
      pending = this.taken(takers, this.classAt(text, position));
    }
  }

  /** The threads that took a character. */
  private taken(takers: readonly Thread[], next: number): Thread[] {
    const { members } = this.program;
    const moved: Thread[] = [];
    for (const { instruction, start } of takers) {
      if (members[instruction]?.[next] === 1) moved.push({ instruction: instruction + 1, start });
    }
    return moved;
  }

  /** Follows threads to where they take a character, until one of them ends here: less wanted ones are dropped then. */
  private follow(threads: readonly Thread[], text: string, position: number): Followed {
    this.round += 1;
    const takers: Thread[] = [];
    for (const thread of threads) {
      if (this.followOne(thread, { text, position, takers })) return { takers, start: thread.start };
    }
    return { takers, start: undefined };
  }

  /** Whether the thread ends here. */
  private followOne({ instruction: first, start }: Thread, { text, position, takers }: Place): boolean {
    const open = [first];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if ((this.work += 1) > MAX_MATCH_WORK) throw new RegexWorkExceeded();
      if (this.reachedIn[index] === this.round) continue;
      this.reachedIn[index] = this.round;
      const instruction = this.program.instructions[index];
      if (instruction?.kind === 'accept') return true;
      if (instruction?.kind === 'set') takers.push({ instruction: index, start });
      else if (instruction?.kind === 'fork') open.push(...instruction.targets.toReversed());
      else if (instruction !== undefined && this.holds(instruction.edge, text, position)) open.push(index + 1);
    }
    return false;
  }

  private classAt(text: string, position: number): number {
    const codePoint = text.codePointAt(position);
    return codePoint === undefined ? END : this.program.alphabet.classOf(codePoint);
  }

  private holds(edge: Edge, text: string, position: number): boolean {
    if (edge === 'start') return position === 0;
    if (edge === 'end') return position === text.length;
    // Every word character lies within the basic plane.
    return (this.isWord(text, position - 1) !== this.isWord(text, position)) === (edge === 'wordEdge');
  }

  private isWord(text: string, position: number): boolean {
    if (position < 0) return false;
    return this.program.wordMembers?.[this.classAt(text, position)] === 1;
  }
}

/** How many units the character at a position takes. */
const lengthAt = (text: string, position: number): number => ((text.codePointAt(position) ?? 0) > 0xffff ? 2 : 1);
