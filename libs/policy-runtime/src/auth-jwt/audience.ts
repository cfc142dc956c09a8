/** `aud` of tokens issued for a proxy (contract 5). Names of projects and proxies hold no slash. */
export const audienceOf = (project: string, proxy: string): string => `urn:gatewarden:${project}/${proxy}`;
