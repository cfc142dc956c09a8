import { openWith, sealWith } from '#libs/config-distribution';

/** A secret is bound to these: under another id or for another purpose it does not open. */
export interface SecretPlace {
  readonly secretId: string;
  readonly purpose: string;
}

const context = ({ secretId, purpose }: SecretPlace) => ({
  ...{ environment: 'control-plane', purpose, subject: secretId, version: 1 },
});

/** AES-256-GCM. @param key 32 bytes of a vault key */
export const sealSecret = (key: Buffer, place: SecretPlace, secret: string): string =>
  sealWith(key, context(place), secret);

/** Undefined when it was not sealed under this key for this place. */
export const openSecret = (key: Buffer, place: SecretPlace, sealed: string): string | undefined =>
  openWith(key, context(place), sealed);
