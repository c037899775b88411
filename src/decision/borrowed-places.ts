// Two places that were made for something else and may carry a credential, where the settings say so: the password of HTTP Basic
// (RFC 7617), for clients that know nothing else, and the WebSocket's subprotocol (RFC 6455 section 4.1), the one header that a
// page can set there. What they hold is judged like any credential (credential.ts). No I/O.

import { type Denial, denial } from './outcome.ts';

const basicScheme = /^basic(?![!#$%&'*+.^_`|~0-9A-Za-z-])/i;
const basicLength = 'basic'.length;
/** `token68` of RFC 9110 section 11.2 as base64 with its padding: four characters are three bytes. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * The password of an Authorization header: undefined where its scheme is not Basic. The user name is not looked at: clients write
 * what they like there (`git`, `x-access-token`), and whose the token is, the store says.
 */
export const basicPassword = (authorization: string): string | Denial | undefined => {
  if (!basicScheme.test(authorization)) return undefined;
  const encoded = authorization.slice(basicLength + 1);
  if (authorization.charCodeAt(basicLength) !== 32 || encoded === '' || !base64.test(encoded))
    return denial('credential_malformed', 'no base64 after Basic and one space');
  const pair = Buffer.from(encoded, 'base64').toString('latin1');
  const at = pair.indexOf(':');
  if (at < 0) return denial('credential_malformed', 'no colon in what Basic carries');
  return at + 1 === pair.length ? denial('credential_malformed', 'no password in Basic') : pair.slice(at + 1);
};

/** An entry of Sec-WebSocket-Protocol that carries a credential begins so, in any case. */
const isCarrier = (entry: string, prefix: string): boolean =>
  entry.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();

const entriesOf = (line: string): readonly string[] =>
  line
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** What follows the prefix in each entry that begins with it. */
export const protocolCredentials = (line: string, prefix: string): readonly string[] =>
  entriesOf(line)
    .filter((entry) => isCarrier(entry, prefix))
    .map((entry) => entry.slice(prefix.length));

/** A line without these entries; undefined when nothing is left. As it came where it has none. */
export const withoutCredentials = (line: string, prefix: string): string | undefined => {
  const entries = entriesOf(line);
  const kept = entries.filter((entry) => !isCarrier(entry, prefix));
  if (kept.length === entries.length) return line;
  return kept.length === 0 ? undefined : kept.join(', ');
};
