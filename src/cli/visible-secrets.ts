// Secrets in the arguments of a command: every user of the machine can read those while it runs. Only finds them; never
// repeats one.

import { findOption } from '../settings/overrides.ts';

/** `redis://:password@host`. */
const holdsPassword = /:\/\/[^/@]*:[^@]+@/;
/** A list or mapping of settings with a secret in it, such as `oauth.clients=[{ id: a, secret: b }]`. */
const namesSecret = /\bsecret["']?\s*:/;

/**
 * One sentence on what stands in `--set` and `--store` and should not, and where it belongs; undefined when nothing does.
 * `given`: names and values of settings.
 */
export const warningOfVisibleSecrets = (
  given: readonly (readonly [name: string, value: string])[],
): string | undefined => {
  const found = given.flatMap(([name, value]) => {
    const setting = findOption(name);
    if (setting === undefined) return [];
    if (holdsPassword.test(value)) return [{ name, instead: 'TOLLGATE_STORE_PASSWORD_FILE' }];
    // The path of a key is no secret, and the URL of the store only for the password it may hold.
    if (setting.pem && !value.includes('-----BEGIN ')) return [];
    if (setting.secret && setting.path.join('.') !== 'store.url')
      return [{ name, instead: `${setting.variable}_FILE` }];
    return namesSecret.test(value) ? [{ name, instead: 'secretFile in the settings file' }] : [];
  });
  const names = [...new Set(found.map(({ name }) => name))].join(', ');
  const instead = [...new Set(found.map(({ instead }) => instead))].join(', ');
  return found.length === 0
    ? undefined
    : `every user of this machine can read the arguments of a command, and there is a secret in ${names}; ` +
        `write it into a file instead, and name that with ${instead}`;
};
