/** What an event says of a secret: where it lies, and a keyed hash to see whether two are the same. Never the secret. */
export interface SecretReference {
  readonly secretId: string;
  /** HMAC-SHA-256 under a key derived from the master key, 16 hex digits. */
  readonly fingerprint: string;
}
