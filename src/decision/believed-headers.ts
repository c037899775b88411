// Headers that APIs and frameworks believe because a proxy or gateway usually sets them: who the caller is, what its
// certificate says, which host or path was really asked for. From a caller they are a spoof. Names only, no I/O.

/**
 * `proxy`: what a proxy says of the connection or the target, believed from trusted peers.
 * `identity`: who the caller is; nobody but Tollgate may say that.
 */
export type BelievedFrom = 'proxy' | 'identity';

/**
 * Beginnings of folded names (`foldName`): of the connection, the real address, the host, the path, the certificate.
 * RFC 9440 (`Client-Cert`), nginx, HAProxy, Apache, Azure (`X-ARR`), Envoy, IIS and Symfony (`X-Original-URL`).
 */
const proxyFamilies: readonly string[] = [
  'x-forwarded',
  'x-original-',
  'x-rewrite-url',
  'x-override-url',
  'x-real-ip',
  'client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'fastly-client-ip',
  'cf-connecting-ip',
  'x-host',
  'x-http-host',
  'x-envoy-',
  'client-cert',
  'x-client-cert',
  'x-client-verify',
  'x-client-dn',
  'x-client-s-dn',
  'x-ssl-',
  'ssl-client-',
  'x-tls-client-',
  'x-arr-clientcert',
  'x-amzn-mtls-',
  // Rack turns them into the file that the API sends, and where that lies.
  'x-sendfile-type',
  'x-accel-mapping',
];

/**
 * Beginnings of folded names that say who the caller is, or that a check has been made already: CGI and SSO proxies,
 * oauth2-proxy, Kubernetes, Grafana, Kong, APISIX, Pomerium, Authelia, the clouds' identity-aware proxies, Next.js.
 */
const identityFamilies: readonly string[] = [
  'remote-user',
  'remote-group',
  'remote-name',
  'remote-email',
  'x-remote-',
  'x-auth-request-',
  'x-authenticated-',
  'x-webauth-',
  'impersonate-',
  'x-middleware-subrequest',
  'x-consumer-',
  'x-credential-',
  'x-anonymous-consumer',
  'x-userinfo',
  'x-pomerium-',
  'x-authentik-',
  'x-vouch-',
  'x-goog-iap-',
  'x-goog-authenticated-user-',
  'x-endpoint-api-userinfo',
  'x-apigateway-api-userinfo',
  'x-amzn-oidc-',
  'x-ms-client-principal',
  'x-ms-token-aad-',
  'cf-access-',
  'tailscale-user-',
];

/** @param folded a header name as `foldName` gives it. */
export const believedFrom = (folded: string): BelievedFrom | undefined => {
  if (identityFamilies.some((family) => folded.startsWith(family))) return 'identity';
  return proxyFamilies.some((family) => folded.startsWith(family)) ? 'proxy' : undefined;
};

/** What is stripped from callers by default. */
export const believedFamilies = { proxy: proxyFamilies, identity: identityFamilies };
