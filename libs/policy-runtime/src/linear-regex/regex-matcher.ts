import type { Edge } from './parse-regex.ts';
import type { RegexProgram } from './regex-program.ts';
import type { StepMeter } from './step-meter.ts';

/** What is kept between matches: at most so many states, and so many ways from them altogether. */
const MAX_KEPT_STATES = 256;
const MAX_KEPT_WAYS = 65_536;
/** Beside one look-up for each character; about a tenth of a second. No ordinary expression comes near it. */
export const MAX_MATCH_WORK = 8_000_000;
const END = -1;

/** Everything that decides how a match goes on: instructions not yet followed, and what lies behind. */
interface State {
  readonly pending: readonly number[];
  readonly isStart: boolean;
  readonly isAfterWord: boolean;
  /** By class of the next character; filled when it is first asked for. */
  readonly ways: (State | undefined)[];
  accepts: boolean | undefined;
}

/**
 * An expression with long counted repetitions met a text of hundreds of kilobytes made for it. Neither answer would be
 * safe: a condition may skip the policy that protects. Says nothing of the text.
 */
export class RegexWorkExceeded extends Error {
  readonly code = 'REGEX_WORK_EXCEEDED';
  constructor() {
    super(`matching a regular expression takes more than ${MAX_MATCH_WORK} steps`);
    this.name = 'RegexWorkExceeded';
  }
}

/**
 * Follows all ways through an expression at once (Thompson's simulation), so a character costs at most the size of the
 * expression, whatever the text. Sets of instructions met before are kept as states: then a character costs one look-up.
 */
export class RegexMatcher {
  private readonly program: RegexProgram;
  private readonly maxKept: number;
  private readonly kept = new Map<string, State>();
  /** By instruction: the last round it was reached in. */
  private readonly reachedIn: Uint32Array;
  private round = 0;
  private start: State;
  /** Of the match that is running. */
  private characters = 0;
  private work = 0;

  constructor(program: RegexProgram) {
    this.program = program;
    this.maxKept = Math.min(MAX_KEPT_STATES, Math.ceil(MAX_KEPT_WAYS / program.alphabet.size));
    this.reachedIn = new Uint32Array(program.instructions.length);
    this.start = this.newStart();
  }

  /** True when the whole text matches. @throws RegexWorkExceeded */
  matches(text: string, meter?: StepMeter): boolean {
    this.characters = 0;
    this.work = 0;
    try {
      return this.run(text);
    } finally {
      if (meter !== undefined) meter.steps += this.characters + this.work;
      // A text that filled the store must not make the next one slow.
      if (this.kept.size >= this.maxKept) {
        this.kept.clear();
        this.start = this.newStart();
      }
    }
  }

  private run(text: string): boolean {
    const { alphabet } = this.program;
    let state = this.start;
    for (let position = 0; position < text.length; position += 1) {
      const codePoint = text.codePointAt(position) ?? 0;
      if (codePoint > 0xffff) position += 1;
      this.characters += 1;
      const next = alphabet.classOf(codePoint);
      state = state.ways[next] ?? this.stateAfter(state, next);
      if (state.pending.length === 0) return false;
    }
    return (state.accepts ??= this.reach(state, END).isAccepted);
  }

  private newStart(): State {
    return { pending: [0], isStart: true, isAfterWord: false, ways: [], accepts: undefined };
  }

  /** Where a state leads with a character of this class; remembered while there is room. */
  private stateAfter(state: State, next: number): State {
    if (this.work > MAX_MATCH_WORK) throw new RegexWorkExceeded();
    const { members, wordMembers } = this.program;
    const pending: number[] = [];
    for (const instruction of this.reach(state, next).takers) {
      this.work += 1;
      if (members[instruction]?.[next] === 1) pending.push(instruction + 1);
    }
    const isAfterWord = wordMembers?.[next] === 1;
    const followed: State = { pending, isStart: false, isAfterWord, ways: [], accepts: undefined };
    if (this.kept.size >= this.maxKept) return followed;
    this.work += pending.length;
    const key = `${isAfterWord ? 'w' : ''}${pending.sort((one, other) => one - other).join()}`;
    const known = this.kept.get(key) ?? followed;
    this.kept.set(key, known);
    state.ways[next] = known;
    return known;
  }

  /** The instructions that take a character, and whether the end is reached, without taking one. */
  private reach(state: State, next: number): { readonly takers: readonly number[]; readonly isAccepted: boolean } {
    const { instructions } = this.program;
    this.round += 1;
    if (this.round > 0xffff_ffff) {
      this.reachedIn.fill(0);
      this.round = 1;
    }
    const takers: number[] = [];
    let isAccepted = false;
    const open = [...state.pending];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      this.work += 1;
      if (this.reachedIn[index] === this.round) continue;
      this.reachedIn[index] = this.round;
      const instruction = instructions[index];
      if (instruction?.kind === 'set') takers.push(index);
      else if (instruction?.kind === 'fork') open.push(...instruction.targets);
      else if (instruction?.kind === 'accept') isAccepted = true;
      else if (instruction !== undefined && this.holds(instruction.edge, state, next)) open.push(index + 1);
    }
    return { takers, isAccepted };
  }

  private holds(edge: Edge, state: State, next: number): boolean {
    if (edge === 'start') return state.isStart;
    if (edge === 'end') return next === END;
    const isBeforeWord = next !== END && this.program.wordMembers?.[next] === 1;
    return (isBeforeWord !== state.isAfterWord) === (edge === 'wordEdge');
  }
}
