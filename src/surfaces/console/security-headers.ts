// The headers that every answer of the console has: what a browser may do with it, and what nobody may do to it.

/** Scripts, styles and requests of its own origin alone; nothing inline, no frame around it, no text as markup. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const always: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()',
  'x-frame-options': 'DENY',
};

/** RFC 6797: a year, where TLS ends in this process; else the proxy that ends it sends this. */
export const securityHeaders = (isTls: boolean): (() => Readonly<Record<string, string>>) => {
  const headers = isTls ? { ...always, 'strict-transport-security': 'max-age=31536000' } : always;
  return () => headers;
};
