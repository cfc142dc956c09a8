/** A regular expression that cannot be used; thrown inside this folder only, answered as a value. */
export class RegexSyntaxError extends Error {
  readonly code = 'REGEX_SYNTAX';
  constructor(
    message: string,
    /** In the expression, counted from 0. */
    readonly position: number,
  ) {
    super(message);
    this.name = 'RegexSyntaxError';
  }
}

/** A place in the text of a regular expression. */
export class PatternReader {
  position = 0;
  constructor(private readonly pattern: string) {}

  get isAtEnd(): boolean {
    return this.position >= this.pattern.length;
  }

  isAhead(text: string): boolean {
    return this.pattern.startsWith(text, this.position);
  }

  /** Passes over `text` if that is what comes next. */
  skips(text: string): boolean {
    if (!this.isAhead(text)) return false;
    this.position += text.length;
    return true;
  }

  /** Passes over what a sticky expression finds here; that one must be linear. */
  take(expected: RegExp): RegExpExecArray | undefined {
    expected.lastIndex = this.position;
    const found = expected.exec(this.pattern);
    if (found === null) return undefined;
    this.position += found[0].length;
    return found;
  }

  /** The next character as a code point. @throws RegexSyntaxError at the end. */
  next(): number {
    const codePoint = this.pattern.codePointAt(this.position);
    if (codePoint === undefined) throw new RegexSyntaxError('the expression ends too early', this.position);
    this.position += codePoint > 0xffff ? 2 : 1;
    return codePoint;
  }
}
