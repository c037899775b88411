// Judges the console: that browsers keep its cookie, that people can sign in where it says, and that nothing else lies there.

import { check, isPlainHttp } from './check.ts';
import { isLoopbackHost } from './check-listeners.ts';
import { browserConsole } from './surfaces/console.ts';

export const consoleCheck = check(
  ['surfaces', 'issuers', 'listen', 'tls', 'credential', 'keys', 'store'],
  ({ surfaces, issuers, listen, tls, credential, keys, store }, problem, warning) => {
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
    const isLocal = listen.kind === 'unix' || isLoopbackHost(listen.host);
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
