// E-mail addresses, where reminders go: one plain address, which can stand in a header and in an SMTP command as it is. No
// quotes, comments, display names or address literals (RFC 5321 section 4.1.2 allows more than anybody uses).

import { type CommandError, commandError } from './command-error.ts';

/** RFC 5321 section 4.5.3.1, with the brackets of a path taken off. */
export const emailCharactersMax = 254;
const localCharactersMax = 64;

/** RFC 5322 `dot-atom`, in ASCII. */
const local = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
/** Labels of a host name (RFC 1123): letters, digits and hyphens inside. */
const domain =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

export const isEmail = (text: string): boolean => {
  if (text.length > emailCharactersMax) return false;
  const [name = '', host = '', ...more] = text.split('@');
  return more.length === 0 && name.length <= localCharactersMax && local.test(name) && domain.test(host);
};

/** Never quotes the address: it may be anything. */
export const checkEmail = (text: string): CommandError | undefined =>
  isEmail(text)
    ? undefined
    : commandError(
        'email_malformed',
        `That cannot be an e-mail address. Write one plain address of at most ${emailCharactersMax} characters, e.g. ann@example.com, without a name, quotes or blanks.`,
      );
