export { decodeBase64Url, decodeBase64UrlBriefly, isBase64Url } from '../strict-base64url.ts';
export { MAX_JSON_DEPTH, parseJsonObject } from '../strict-json.ts';
