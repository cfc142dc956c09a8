import { upcasterKey, type RecordedEvent, type Upcaster } from '#libs/event-store';

type Members = Readonly<Record<string, unknown>>;

type RouteOfVersion1 = Members & { readonly methodList: readonly string[] };

/** Version 1 took an empty list for any method; such a route was claimed for none. */
const methodsOf = ({ methodList }: RouteOfVersion1): readonly string[] =>
  methodList.length === 0 ? ['ALL'] : methodList;

/** Version 1 knew no header rules, one way to balance, no CORS and no error template. */
const withSettingsOfVersion2: Upcaster = (event: RecordedEvent): RecordedEvent => {
  const data = event.data as Members & { readonly clientRoute: RouteOfVersion1; readonly routingInfo: Members };
  return {
    ...event,
    schemaVersion: 2,
    data: {
      ...data,
      clientRoute: { ...data.clientRoute, methodList: methodsOf(data.clientRoute), headerList: [] },
      routingInfo: { loadBalanceAlgorithm: 'ROUND_ROBIN', ...data.routingInfo },
      cors: null,
      jsonErrorTemplate: null,
    },
  };
};

/** Version 2 knew no XML template. */
const withXmlTemplate: Upcaster = (event) => ({
  ...event,
  schemaVersion: 3,
  data: { ...(event.data as Members), xmlErrorTemplate: null },
});

/** What a rollback of version 1 brought back had none either. */
const withXmlTemplateInContent: Upcaster = (event) => {
  const data = event.data as Members & { readonly content: Members };
  return { ...event, schemaVersion: 2, data: { ...data, content: { ...data.content, xmlErrorTemplate: null } } };
};

export const API_PROXY_UPCASTERS: readonly (readonly [string, Upcaster])[] = [
  [upcasterKey('ProxyCreated', 1), withSettingsOfVersion2],
  [upcasterKey('ProxyUpdated', 1), withSettingsOfVersion2],
  [upcasterKey('ProxyCreated', 2), withXmlTemplate],
  [upcasterKey('ProxyUpdated', 2), withXmlTemplate],
  [upcasterKey('RolledBack', 1), withXmlTemplateInContent],
];
