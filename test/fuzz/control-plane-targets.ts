import { type FuzzTarget } from './fuzz-target.ts';
import { POLICY_JSON, POLICY_XML } from './targets/policy-bodies.target.ts';
import { XML_READER } from './targets/xml-reader.target.ts';

/** What needs no server. */
export const CONTROL_PLANE_TARGETS: readonly FuzzTarget[] = [XML_READER, POLICY_JSON, POLICY_XML];
