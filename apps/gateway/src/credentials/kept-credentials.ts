import type { Journal } from '../config-subscriber/journal.ts';
import { CredentialFiles } from './credential-files.ts';
import type { KeptCredential } from './known-credential.ts';

/** Keeps on disk what is known of credentials, and writes what changed of it, all changes of a moment at once. */
export class KeptCredentials {
  /** By file: the names in it. */
  private readonly subjects = new Map(CredentialFiles.names.map((file) => [file, new Set<string>()]));
  private readonly changed = new Set<string>();
  private writing: Promise<void> | undefined;
  private hasFailed = false;

  constructor(
    private readonly files: CredentialFiles,
    private readonly journal: Pick<Journal, 'snapshotFault' | 'snapshotNotWritten'>,
  ) {}

  /** Something else is known of a credential, or nothing any more. */
  note(subject: string): void {
    const file = CredentialFiles.of(subject);
    this.subjects.get(file)?.add(subject);
    this.changed.add(file);
  }

  /** @param take answers whether a credential is what it says */
  async restore(take: (kept: KeptCredential) => boolean): Promise<void> {
    const { files } = this;
    const contents = await Promise.all(
      CredentialFiles.names.map(async (file) => [file, await files.read(file)] as const),
    );
    for (const [file, found] of contents) {
      if (found === 'broken') this.journal.snapshotFault({ file, problem: 'broken' });
      else if (!this.takeAll(file, found, take)) this.journal.snapshotFault({ file, problem: 'altered' });
    }
  }

  /**
   * Writes what changed. What cannot be written is tried again with the next call.
   *
   * @param keptOf what is known of a credential
   */
  write(keptOf: (subject: string) => KeptCredential | undefined): Promise<void> {
    this.writing ??= this.writeChanged(keptOf).finally(() => (this.writing = undefined));
    return this.writing;
  }

  private takeAll(file: string, found: readonly KeptCredential[], take: (kept: KeptCredential) => boolean): boolean {
    const inFile = this.subjects.get(file);
    const refused = found.filter((kept) => CredentialFiles.of(kept.subject) !== file || !take(kept));
    for (const { subject } of found) if (CredentialFiles.of(subject) === file) inFile?.add(subject);
    if (refused.length > 0) this.changed.add(file);
    return refused.length === 0;
  }

  private async writeChanged(keptOf: (subject: string) => KeptCredential | undefined): Promise<void> {
    for (const file of [...this.changed]) {
      this.changed.delete(file);
      try {
        await this.files.save(file, this.contentOf(file, keptOf));
        this.hasFailed = false;
      } catch (error) {
        this.changed.add(file);
        if (!this.hasFailed) this.journal.snapshotNotWritten(error);
        this.hasFailed = true;
        return;
      }
    }
  }

  private contentOf(file: string, keptOf: (subject: string) => KeptCredential | undefined): KeptCredential[] {
    const inFile = this.subjects.get(file) ?? new Set();
    return [...inFile].flatMap((subject) => {
      const kept = keptOf(subject);
      if (kept === undefined) inFile.delete(subject);
      return kept === undefined ? [] : [kept];
    });
  }
}
