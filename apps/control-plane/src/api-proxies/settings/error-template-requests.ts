import { z } from 'zod';
import {
  compileErrorTemplate,
  ERROR_TEMPLATE_VARIABLES,
  makesJson,
  optional,
  unknownTemplateVariables,
  withDefault,
  type ArtifactErrorTemplate,
  type ContractWarning,
} from '#libs/policy-contracts';
import { readXml } from '../policies/verify-jwt-xml/read-xml.ts';
import { deployFields } from '../proxies/route-requests.ts';
import { oneOf, type VendorMembers } from '../proxies/vendor-proxy-members.ts';

/** Whether it names something that is not there, which is said. */
function namesUnknown(template: string, context: z.RefinementCtx): boolean {
  const unknown = unknownTemplateVariables(template);
  if (unknown.length === 0) return false;
  const names = unknown.map((name) => `#{${name}}`).join(', ');
  const message = `names ${names}; the known ones are ${ERROR_TEMPLATE_VARIABLES.join(', ')}`;
  context.addIssue({ code: 'custom', message, params: { code: 'unknown_variable' } });
  return true;
}

function checkJsonTemplate(template: string, context: z.RefinementCtx): void {
  if (namesUnknown(template, context) || makesJson(template)) return;
  const message =
    'must be JSON once its variables are filled in: texts belong in quotes, only the HTTP codes may stand without';
  context.addIssue({ code: 'custom', message, params: { code: 'not_json' } });
}

function checkXmlTemplate(template: string, context: z.RefinementCtx): void {
  if (namesUnknown(template, context)) return;
  const read = readXml(compileErrorTemplate(template, 'xml')(() => 'sample "text" <&>'));
  if (read.ok) return;
  const message = `must be XML once its variables are filled in: ${read.message}`;
  context.addIssue({ code: 'custom', message, params: { code: 'not_xml' } });
}

/** `PATCH X/settings/json-error-template/` */
export const JSON_ERROR_TEMPLATE = z
  .strictObject({
    jsonErrorResponseTemplateActive: withDefault(z.boolean(), false),
    jsonValue: optional(z.string().min(1, { abort: true }).max(20_000).superRefine(checkJsonTemplate)),
    ...deployFields,
  })
  .refine(({ jsonErrorResponseTemplateActive: isActive, jsonValue }) => !isActive || jsonValue !== undefined, {
    path: ['jsonValue'],
    error: 'is required while jsonErrorResponseTemplateActive is true',
    params: { code: 'required' },
  });
type TemplateRequest = z.infer<typeof JSON_ERROR_TEMPLATE>;

/** `PATCH X/settings/xml-error-template/` */
export const XML_ERROR_TEMPLATE = z
  .strictObject({
    xmlErrorResponseTemplateActive: withDefault(z.boolean(), false),
    xmlValue: optional(z.string().min(1, { abort: true }).max(20_000).superRefine(checkXmlTemplate)),
    ...deployFields,
  })
  .refine(({ xmlErrorResponseTemplateActive: isActive, xmlValue }) => !isActive || xmlValue !== undefined, {
    path: ['xmlValue'],
    error: 'is required while xmlErrorResponseTemplateActive is true',
    params: { code: 'required' },
  });
type XmlTemplateRequest = z.infer<typeof XML_ERROR_TEMPLATE>;

const isJsonType = (value: unknown): boolean =>
  typeof value === 'string' && /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(value);

export const JSON_ERROR_TEMPLATE_VENDOR_MEMBERS: VendorMembers = {
  ignored: [],
  refused: [
    { path: 'contentType', isHarmless: isJsonType, reason: 'it is application/json in UTF-8' },
    { path: 'permitSpecialChars', isHarmless: oneOf(false), reason: 'values are always escaped' },
  ],
};

const isXmlType = (value: unknown): boolean =>
  typeof value === 'string' && /^(?:text|application)\/xml\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(value);

export const XML_ERROR_TEMPLATE_VENDOR_MEMBERS: VendorMembers = {
  ignored: [],
  refused: [
    { path: 'contentType', isHarmless: isXmlType, reason: 'it is text/xml in UTF-8' },
    { path: 'permitSpecialChars', isHarmless: oneOf(false), reason: 'values are always escaped' },
  ],
};

/** null: faults in the vendor's envelope. */
export const errorTemplateOf = (request: TemplateRequest): ArtifactErrorTemplate | null =>
  request.jsonErrorResponseTemplateActive && request.jsonValue !== undefined ? { template: request.jsonValue } : null;

export const errorTemplateWarnings = (request: TemplateRequest): ContractWarning[] =>
  request.jsonErrorResponseTemplateActive || request.jsonValue === undefined
    ? []
    : [{ field: 'jsonValue', message: 'it is not kept while jsonErrorResponseTemplateActive is false' }];

/** The body that would set it again. */
export const errorTemplateView = (template: ArtifactErrorTemplate | null) => ({
  jsonErrorResponseTemplateActive: template !== null,
  jsonValue: template?.template ?? null,
  contentType: 'application/json;charset=UTF-8',
  permitSpecialChars: false,
});

/** null: none for requests that are no JSON. */
export const xmlErrorTemplateOf = (request: XmlTemplateRequest): ArtifactErrorTemplate | null =>
  request.xmlErrorResponseTemplateActive && request.xmlValue !== undefined ? { template: request.xmlValue } : null;

export const xmlErrorTemplateWarnings = (request: XmlTemplateRequest): ContractWarning[] =>
  request.xmlErrorResponseTemplateActive || request.xmlValue === undefined
    ? []
    : [{ field: 'xmlValue', message: 'it is not kept while xmlErrorResponseTemplateActive is false' }];

/** The body that would set it again. */
export const xmlErrorTemplateView = (template: ArtifactErrorTemplate | null) => ({
  xmlErrorResponseTemplateActive: template !== null,
  xmlValue: template?.template ?? null,
  contentType: 'text/xml;charset=UTF-8',
  permitSpecialChars: false,
});
