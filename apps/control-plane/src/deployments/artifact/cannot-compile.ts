/** A revision cannot be deployed to an environment as things are: trying again without a change would not help. */
export class CannotCompile extends Error {
  readonly code = 'CANNOT_COMPILE';
  /** @param reason is shown to people: no secrets. */
  constructor(reason: string) {
    super(reason);
    this.name = 'CannotCompile';
  }
}
