export { CapturedLog } from './captured-log.ts';
export { selfSignedCertificate } from './self-signed-certificate.ts';
