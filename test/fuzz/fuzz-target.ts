import { type SeededRandom } from '../chaos/seeded-random.ts';

/** What was found of one text. */
export interface Judgement {
  /** In which group the case is counted, e.g. `accepted` or a refusal's code: the summary shows what was reached at all. */
  readonly group: string;
  /** What must not be, in words; undefined: all is well. */
  readonly violation?: string | undefined;
}

/** One case: the exact input, and what may be said of it or of any shorter one. It must judge the same text alike each time. */
export interface FuzzCase {
  readonly text: string;
  readonly judge: (text: string) => Judgement | Promise<Judgement>;
}

/** Makes the next case; the same `random` gives the same case, whatever ran before. */
export type NextCase = (random: SeededRandom) => FuzzCase;

/** A target that holds something open while it runs: a server, a directory. */
export interface OpenTarget {
  readonly next: NextCase;
  readonly end: () => Promise<void>;
}

/** Something that texts are thrown at. */
export interface FuzzTarget {
  readonly name: string;
  /** Of all cases of a short run, in parts of the shares of all its targets: cheap targets have large ones. */
  readonly share: number;
  /** Groups that a run of some ten thousand cases must reach, lest it test nothing. */
  readonly groups: readonly string[];
  /** Makes ready for one run. */
  readonly prepare: () => NextCase | Promise<OpenTarget>;
}
