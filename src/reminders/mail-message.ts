// The mail of a reminder: subject, text and HTML. Names are other people's text: they lose what could turn or break a line,
// are cut, and are escaped in HTML. Never contains a secret. Pure.

import type { Reminder } from './reminder.ts';
import { type Language, mailWords } from './mail-words.ts';

export interface MailMessage {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface MessageFacts {
  readonly language: Language;
  /** Where the token is shown; undefined: nowhere. */
  readonly link: string | undefined;
  readonly nowMs: number;
}

const lettersMax = 80;
/** Of a longer one no letter is read: one letter may have any number of marks. */
const nameLengthMax = 400;
const letters = new Intl.Segmenter();

/** Without control, format and separator characters: neither a line ends nor a direction changes in it. */
export const plainName = (name: string): string => {
  const plain = name
    .slice(0, nameLengthMax)
    .replaceAll(/[\p{Zl}\p{Zp}\p{Cc}]/gu, ' ')
    .replaceAll(/(?!\u200d)[\p{Cf}\p{Cs}]/gu, '');
  const segments = Array.from(letters.segment(plain), ({ segment }) => segment);
  return (segments.length > lettersMax ? [...segments.slice(0, lettersMax - 1), '…'] : segments)
    .join('')
    .trim();
};

/** Text of either direction between such marks does not turn what is around it (Unicode UAX 9, FSI and PDI). */
const isolated = (text: string): string => `\u2068${text}\u2069`;

const filled = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replaceAll(/\{([a-z]+)\}/g, (_, name: string) => values[name] ?? '');

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** A reminder of 14 days is sent moments after, and says 14 days all the same. */
const nearlyWhole = 0.9;

/** `14 days`, rounded down. */
export const shownDuration = (ms: number, language: Language): string => {
  const [unit, unitMs] = units.find(([, each]) => ms >= each * nearlyWhole) ?? units[2];
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' });
  return format.format(Math.max(1, Math.floor(ms / unitMs + 1 - nearlyWhole)));
};

export const shownTime = (ms: number, language: Language): string =>
  `${new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(ms)} UTC`;

export const mailOf = (reminder: Reminder, { language, link, nowMs }: MessageFacts): MailMessage => {
  const { token, user, org } = reminder;
  const words = mailWords[language];
  const left = shownDuration(token.expiresAtMs - nowMs, language);
  const names = { token: plainName(token.name), user: plainName(user.name), org: plainName(org.name) };
  const used = token.lastUsedAtMs;
  const rows: readonly (readonly [string, string])[] = [
    [words.name, names.token],
    [words.id, token.id],
    [words.organization, names.org === org.id ? org.id : `${names.org} (${org.id})`],
    [words.expires, shownTime(token.expiresAtMs, language)],
    [words.lastUsed, used === undefined ? words.never : shownTime(used, language)],
  ];
  return {
    subject: filled(words.subject, { token: `“${names.token}”`, left }),
    text: textOf(words, { ...quotedNames(names, isolated), left }, rows, link),
    html: htmlOf(language, { ...quotedNames(names, bdi), left: escaped(left) }, rows, link),
  };
};

type Values = Readonly<Record<'token' | 'user' | 'org' | 'left', string>>;
type Rows = readonly (readonly [string, string])[];

const quotedNames = (names: Omit<Values, 'left'>, mark: (name: string) => string): Omit<Values, 'left'> => ({
  token: `“${mark(names.token)}”`,
  user: mark(names.user),
  org: mark(names.org),
});

const textOf = (
  words: (typeof mailWords)[Language],
  values: Values,
  rows: Rows,
  link: string | undefined,
): string =>
  [
    filled(words.greeting, values),
    filled(words.lead, values),
    rows.map(([name, value]) => `${name}: ${isolated(value)}`).join('\n'),
    ...(link === undefined ? [] : [`${words.advice}\n${link}`]),
    words.why,
  ].join('\n\n') + '\n';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (each) => escapes[each] ?? '');

const bdi = (name: string): string => `<bdi>${escaped(name)}</bdi>`;

const htmlOf = (language: Language, values: Values, rows: Rows, link: string | undefined): string => {
  const words = mailWords[language];
  const paragraph = (html: string): string => `<p>${html}</p>`;
  const row = ([name, value]: Rows[number]): string =>
    `<tr><th style="text-align:left;padding:2px 16px 2px 0;vertical-align:top">${escaped(name)}</th>` +
    `<td style="padding:2px 0;overflow-wrap:anywhere">${bdi(value)}</td></tr>`;
  const body = [
    paragraph(filled(escaped(words.greeting), values)),
    paragraph(filled(escaped(words.lead), values)),
    `<table style="border-collapse:collapse">${rows.map(row).join('')}</table>`,
    ...(link === undefined
      ? []
      : [paragraph(`${escaped(words.advice)}<br><a href="${escaped(link)}">${escaped(words.button)}</a>`)]),
    paragraph(`<small>${escaped(words.why)}</small>`),
  ];
  return (
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8">` +
    '<meta name="viewport" content="width=device-width"></head>' +
    `<body style="font-family:system-ui,sans-serif;line-height:1.5;max-width:40em;margin:1em auto;padding:0 1em">${body.join('')}</body></html>`
  );
};
