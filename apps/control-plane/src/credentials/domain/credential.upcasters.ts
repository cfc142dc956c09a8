import { upcasterKey, type RecordedEvent, type Upcaster } from '#libs/event-store';

/** Version 1 knew neither addresses nor metadata of a credential. */
const withContentOfVersion2: Upcaster = (event: RecordedEvent): RecordedEvent => ({
  ...event,
  schemaVersion: 2,
  data: { ...(event.data as object), ipList: [], metadata: [] },
});

export const CREDENTIAL_UPCASTERS: readonly (readonly [string, Upcaster])[] = [
  [upcasterKey('CredentialCreated', 1), withContentOfVersion2],
  [upcasterKey('CredentialUpdated', 1), withContentOfVersion2],
];
