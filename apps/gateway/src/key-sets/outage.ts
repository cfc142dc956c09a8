import type { FailedFetch } from './fetched-document.ts';
import type { KeySetVoice } from './key-set-journal.ts';

/** What is said about an outage, once each. */
type OutageStage = 'failing' | 'stale' | 'too-old';

/** Whether the last fetch of a set failed, and how far that has gone. */
export class Outage {
  #stage: OutageStage | undefined;

  constructor(private readonly voice: KeySetVoice) {}

  get isOn(): boolean {
    return this.#stage !== undefined;
  }

  begin(fault: FailedFetch): void {
    if (this.isOn) return;
    this.#stage = 'failing';
    this.voice.failing(fault);
  }

  /** A request met with a set that is no longer fresh, or with one too old to be used. */
  reach(stage: 'stale' | 'too-old'): void {
    if (!this.isOn || this.#stage === stage || this.#stage === 'too-old') return;
    this.#stage = stage;
    if (stage === 'stale') this.voice.stale();
    else this.voice.tooOld();
  }

  end(): void {
    if (this.isOn) this.voice.recovered();
    this.#stage = undefined;
  }
}
