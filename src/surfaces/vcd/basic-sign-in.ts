// `Authorization: Basic` of a sign-in: user@org and a password (RFC 7617, in UTF-8). The org stands after the last @, since
// user names may be e-mail addresses.

export interface BasicSignIn {
  readonly userId: string;
  readonly orgId: string;
  readonly password: string;
}

/** Undefined when there is none, or none that can be read. */
export const readBasicSignIn = (authorization: string | undefined): BasicSignIn | undefined => {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  const at = text.lastIndexOf('@', colon);
  if (colon < 0 || at < 1 || at + 1 >= colon) return undefined;
  return { userId: text.slice(0, at), orgId: text.slice(at + 1, colon), password: text.slice(colon + 1) };
};
