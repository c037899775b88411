// What a secret looks like in a stranger's text. Ids that callers choose are logged and passed on, and paths are logged;
// no credential may be in them, wherever in the text it begins and however it is written.

/** An API token of ours, whole, or enough of one to be worth hiding; in any case, behind any letters. */
const apiToken = /tg[0-9a-z]{20,}/i;

/** The beginning of a JWT: base64url of `{"`, and some more. */
const jwt = /eyJ[\w-]{8,}/;

/** So long a word may be a secret of another system. */
const longWord = /[\w-]{32,}/g;

/** Letters of both cases and digits in such numbers are no name, hex digest or UUID, but drawn by lot. */
const isRandom = (word: string): boolean =>
  [/[a-z]/g, /[A-Z]/g, /[0-9]/g].every((kind) => (word.match(kind)?.length ?? 0) >= 4);

/** Whether a text holds an API token, a JWT, or another long secret, as it stands or percent-encoded (RFC 3986 section 2.1). */
export const holdsSecret = (text: string): boolean =>
  spellings(text).some(
    (spelling) =>
      apiToken.test(spelling) || jwt.test(spelling) || (spelling.match(longWord) ?? []).some(isRandom),
  );

/** The text, and what it is when percent-encoding is undone once or twice. */
const spellings = (text: string): readonly string[] => {
  if (!text.includes('%')) return [text];
  const once = decoded(text);
  return [text, once, decoded(once)];
};

const decoded = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
