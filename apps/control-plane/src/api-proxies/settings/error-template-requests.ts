import { z } from 'zod';
import {
  ERROR_TEMPLATE_VARIABLES,
  makesJson,
  optional,
  unknownTemplateVariables,
  withDefault,
  type ArtifactErrorTemplate,
  type ContractWarning,
} from '#libs/policy-contracts';
import { deployFields } from '../proxies/route-requests.ts';
import { oneOf, type VendorMembers } from '../proxies/vendor-proxy-members.ts';

function checkTemplate(template: string, context: z.RefinementCtx): void {
  const unknown = unknownTemplateVariables(template);
  if (unknown.length > 0) {
    const names = unknown.map((name) => `#{${name}}`).join(', ');
    const message = `names ${names}; the known ones are ${ERROR_TEMPLATE_VARIABLES.join(', ')}`;
    context.addIssue({ code: 'custom', message, params: { code: 'unknown_variable' } });
  } else if (!makesJson(template)) {
    const message =
      'must be JSON once its variables are filled in: texts belong in quotes, only the HTTP codes may stand without';
    context.addIssue({ code: 'custom', message, params: { code: 'not_json' } });
  }
}

/** `PATCH X/settings/json-error-template/` */
export const JSON_ERROR_TEMPLATE = z
  .strictObject({
    jsonErrorResponseTemplateActive: withDefault(z.boolean(), false),
    jsonValue: optional(z.string().min(1, { abort: true }).max(20_000).superRefine(checkTemplate)),
    ...deployFields,
  })
  .refine(({ jsonErrorResponseTemplateActive: isActive, jsonValue }) => !isActive || jsonValue !== undefined, {
    path: ['jsonValue'],
    error: 'is required while jsonErrorResponseTemplateActive is true',
    params: { code: 'required' },
  });
type TemplateRequest = z.infer<typeof JSON_ERROR_TEMPLATE>;

const isJsonType = (value: unknown): boolean =>
  typeof value === 'string' && /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(value);

export const JSON_ERROR_TEMPLATE_VENDOR_MEMBERS: VendorMembers = {
  ignored: [],
  refused: [
    { path: 'contentType', isHarmless: isJsonType, reason: 'it is application/json in UTF-8' },
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
