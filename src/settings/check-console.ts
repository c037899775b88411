// Judges the console: that browsers keep its cookie, that people can sign in where it says, and that nothing else lies there.

import { check, isPlainHttp } from './check.ts';
import { isLoopbackHost, isSameAddress } from './check-listeners.ts';
import { browserConsole } from './surfaces/console.ts';

export const consoleCheck = check(
  ['surfaces', 'issuers', 'listen', 'ops', 'forwardAuth', 'tls', 'credential', 'keys', 'store'],
  ({ surfaces, issuers, listen, ops, forwardAuth, tls, credential, keys, store }, problem, warning) => {
    const { console: pages } = surfaces;
    if (!pages.enabled) return;
    const path = ['surfaces', 'console'];
    const { cookies = '' } = browserConsole;
    if (credential.cookie?.startsWith(cookies) === true)
      problem(
        ['credential', 'cookie'],
        'is a cookie of the console, which no API ever sees; write another name',
      );
    // Without signing keys in the settings, a sealing key is asked for in any case.
    const hasSigningKeys = keys.signingKeys.length > 0 && store.url.kind !== 'sqlite';
    if (hasSigningKeys && keys.encryptionKey === undefined && keys.encryptionKeyFile === undefined)
      problem(
        [...path, 'enabled'],
        'needs a sealing key for its cookie, the same on every replica; set keys.encryptionKey to the output of `openssl rand -base64 32`',
      );
    for (const [name, other] of Object.entries({ listen, ops, 'forwardAuth.listen': forwardAuth.listen }))
      if (pages.listen !== undefined && other !== undefined && isSameAddress(pages.listen, other))
        problem(
          [...path, 'listen'],
          `is the same address as \`${name}\`; write another port, e.g. 127.0.0.1:8090, or remove it`,
        );
    const at = pages.listen ?? listen;
    const isLocal = at.kind === 'unix' || isLoopbackHost(at.host);
    if (pages.origin === undefined ? tls === undefined && !isLocal : isPlainHttp(pages.origin))
      warning(
        [...path, 'origin'],
        'browsers keep the cookie of the console over https alone, or at localhost: sign-in will fail. Write `tls`, or have a proxy end TLS and write its https URL here',
      );
    const names = new Set<string>();
    for (const [index, { name, issuer, scopes }] of pages.providers.entries()) {
      const item = [...path, 'providers', index];
      if (names.has(name)) problem([...item, 'name'], 'stands twice; give each provider its own name');
      names.add(name);
      if (!issuers.some((each) => each.issuer === issuer))
        problem(
          [...item, 'issuer'],
          'is none of `issuers`, which say whom its claims name; write it there too, exactly so',
        );
      if (isPlainHttp(issuer))
        problem(
          [...item, 'issuer'],
          'is plain http, and nobody can sign in safely there; write an https URL',
        );
      if (!scopes.includes('openid'))
        problem(
          [...item, 'scopes'],
          'lacks openid, without which a provider does not say who has signed in; add it',
        );
    }
  },
);
