// What a mail says, in every language, whatever the names are.

import t from 'tap';
import { mailOf, plainName, shownDuration } from '../../src/reminders/mail-message.ts';
import { mailWords } from '../../src/reminders/mail-words.ts';
import { reminderLanguages } from '../../src/settings/reminder-fields.ts';
import { exampleOrg, exampleToken, exampleUser, startMs } from '../contract/examples.ts';

const dayMs = 86_400_000;

const reminderOf = (
  names: { readonly token?: string; readonly org?: string; readonly user?: string } = {},
) => {
  const org = exampleOrg({ id: 'acme', name: names.org ?? 'Acme' });
  const user = exampleUser(org.id, { name: names.user ?? 'Ann', email: 'ann@example.com' });
  const { token, secret } = exampleToken(user, { name: names.token ?? 'ci', lastUsedAtMs: startMs });
  const expiresAtMs = startMs + 14 * dayMs;
  return { reminder: { org, user, token: { ...token, expiresAtMs }, thresholdMs: 14 * dayMs }, secret };
};

const link = 'https://api.example.com/tollgate/console/tokens/1/regenerate';
const facts = { language: 'en', link, nowMs: startMs + 5_000 } as const;

t.test('every language has every word, with the same blanks to fill in, and none is left open', async (t) => {
  t.same(Object.keys(mailWords).sort(), [...reminderLanguages].sort());
  const blanksOf = (text: string): string[] => [...text.matchAll(/\{[^}]*\}/g)].map(([each]) => each).sort();
  for (const language of reminderLanguages) {
    t.same(Object.keys(mailWords[language]), Object.keys(mailWords.en), language);
    for (const [name, text] of Object.entries(mailWords[language])) {
      t.ok(text.trim().length > 1, `${language} ${name}`);
      t.same(blanksOf(text), blanksOf(Object.entries(mailWords.en).find(([each]) => each === name)![1]));
      t.notMatch(text, /[<>&\r\n]/, `${language} ${name} is plain`);
      if (language !== 'en' && !['id', 'why'].includes(name)) t.not(text, Object(mailWords.en)[name], name);
    }
    const { reminder } = reminderOf();
    const { subject, text, html } = mailOf(reminder, { ...facts, language });
    for (const part of [subject, text, html]) t.notMatch(part, /\{[a-z]*\}|undefined/, language);
    t.match(html, `<html lang="${language}">`);
    t.match(text, /2027/);
  }
});

t.test(
  'it names the token, its org, expiry and last use, leads to the console, and holds no secret',
  async (t) => {
    const { reminder, secret } = reminderOf();
    const { subject, text, html } = mailOf(reminder, facts);
    t.equal(subject, 'API token “ci” expires in 14 days');
    for (const part of [text, html]) {
      for (const each of [
        'ci',
        reminder.token.id,
        'Acme',
        '(acme)',
        'January 29, 2027',
        'January 15, 2027',
        'UTC',
        link,
      ])
        t.match(part, each);
      t.notMatch(part, secret);
    }
    const unused = { ...reminder, token: { ...reminder.token, lastUsedAtMs: undefined } };
    const without = mailOf(unused, { ...facts, link: undefined });
    t.match(without.text, /Last used: \u2068never\u2069/);
    t.notMatch(without.html, '<a ', 'no link where there is no console');
  },
);

t.test('markup in names is text, in the mail as a page', async (t) => {
  const evil = `<img src=x onerror=alert(1)>"'&{token}`;
  const { subject, html, text } = mailOf(reminderOf({ token: evil, org: evil, user: evil }).reminder, facts);
  t.notMatch(html, '<img');
  t.match(html, '&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;{token}');
  t.match(subject, evil, 'a subject is text anyway');
  t.match(text, evil);
});

t.test('no name ends a line, turns the direction of the text, or is endless', async (t) => {
  const { subject, text } = mailOf(
    reminderOf({ token: 'ci\r\nBcc: eve@example.com', user: 'a\u202Eb\u2028c\u0000' }).reminder,
    facts,
  );
  t.equal(subject, 'API token “ci  Bcc: eve@example.com” expires in 14 days');
  t.match(text, 'Hello \u2068ab c\u2069,');
  t.equal(plainName('שלום 👩‍🚀 é'), 'שלום 👩‍🚀 é', 'right to left, emoji and accents stay');
  const long = plainName('👩‍🚀'.repeat(300));
  t.ok(long.length < 500, `${long.length} characters`);
  t.equal(plainName(`a${'\u0301'.repeat(10_000)}`).length, 400);
  t.match(plainName('x'.repeat(500)), /^x{79}…$/);
});

t.test('how much time is left is rounded down, but for moments', async (t) => {
  const minuteMs = 60_000;
  const table: readonly (readonly [number, string])[] = [
    [14 * dayMs - 1, '14 days'],
    [13.5 * dayMs, '13 days'],
    [dayMs - 1_000, '1 day'],
    [20 * 60 * minuteMs, '20 hours'],
    [59 * minuteMs, '1 hour'],
    [30 * minuteMs, '30 minutes'],
    [1, '1 minute'],
  ];
  for (const [ms, shown] of table) t.equal(shownDuration(ms, 'en'), shown);
  t.equal(shownDuration(3 * dayMs, 'ru'), '3 дня', 'with the plural of the language');
  t.equal(shownDuration(14 * dayMs, 'fr').replaceAll(/\s/g, ' '), '14 jours');
});
