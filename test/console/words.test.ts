import t from 'tap';
import { catalogues } from '../../src/console/words/catalogues.ts';
import { type Message, piecesOf } from '../../src/console/words/message.ts';
import { chooseLanguage, createWords, findLocale, languages } from '../../src/console/words/words.ts';

const loaded = await Promise.all(
  languages.map(async (language) => ({ language, catalogue: (await catalogues[language]()).catalogue })),
);
const english = loaded.find(({ language }) => language === 'en')!.catalogue;
const entriesOf = (catalogue: object): [string, Message][] => Object.entries(catalogue);

const formsOf = (message: Message): readonly string[] =>
  typeof message === 'string' ? [message] : Object.values(message);
const placeholdersOf = (text: string): readonly string[] =>
  piecesOf(text)
    .flatMap((piece) => (typeof piece === 'string' ? [] : [piece.name]))
    .toSorted();

t.test('every language has every message, and no other', async (t) => {
  const keys = Object.keys(english).toSorted();
  t.ok(keys.length > 300, `there are ${keys.length}`);
  for (const { language, catalogue } of loaded)
    t.same(Object.keys(catalogue).toSorted(), keys, `all in ${language}`);
});

t.test('a message has the same values in every language, in each of its forms', async (t) => {
  const wanted = new Map(entriesOf(english).map(([key, message]) => [key, formsOf(message)[0]!]));
  for (const { language, catalogue } of loaded)
    for (const [key, message] of entriesOf(catalogue))
      for (const form of formsOf(message))
        t.same(placeholdersOf(form), placeholdersOf(wanted.get(key)!), `${language}: ${key}`);
});

t.test('a message that counts has every form that its language has', async (t) => {
  for (const { language, catalogue } of loaded) {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const [key, message] of entriesOf(catalogue))
      if (typeof message !== 'string') t.same(Object.keys(message).toSorted(), forms, `${language}: ${key}`);
  }
});

t.test('no message is empty, has blanks at its ends, or has a brace that is no placeholder', async (t) => {
  for (const { language, catalogue } of loaded)
    for (const [key, message] of entriesOf(catalogue))
      for (const form of formsOf(message)) {
        t.ok(form.trim() === form && form !== '', `${language}: ${key}`);
        t.notMatch(form.replaceAll(/\{\w+\}/g, ''), /[{}]/, `${language}: ${key}`);
      }
});

t.test('sentences are translated, not left in English', async (t) => {
  for (const { language, catalogue } of loaded.filter(({ language }) => language !== 'en')) {
    const translated = new Map(entriesOf(catalogue));
    for (const [key, message] of entriesOf(english))
      if (typeof message === 'string' && message.split(' ').length > 3)
        t.not(translated.get(key), message, `${language}: ${key}`);
  }
});

t.test('bytes are written in the unit that fits, as the language does', async (t) => {
  const { bytes } = createWords('en', english);
  const shown = [0, 1, 999, 1_500, 12_345_678, 1e15, 9e18].map((value) => bytes(value));
  t.same(shown, ['0 bytes', '1 byte', '999 bytes', '1.5 kB', '12.3 MB', '1 PB', '9,000 PB']);
});

t.test('values are filled in, and numbers are written as the language does', async (t) => {
  const [en, fr, ru] = (['en', 'fr', 'ru'] as const).map((language) =>
    createWords(language, loaded.find((each) => each.language === language)!.catalogue),
  );
  t.equal(
    en!.t('revoke.done', { name: 'a {name} b' }),
    '“a {name} b” is revoked.',
    'a value is not read again',
  );
  t.equal(en!.t('scopes.chosen', { count: 1 }), '1 scope is chosen');
  t.equal(en!.t('scopes.chosen', { count: 1234 }), '1,234 scopes are chosen');
  t.equal(fr!.t('scopes.chosen', { count: 0 }), '0 portée choisie');
  t.equal(ru!.t('scopes.chosen', { count: 21 }), 'Выбрана 21 область доступа');
  t.equal(ru!.t('scopes.chosen', { count: 3 }), 'Выбраны 3 области доступа');
  t.equal(ru!.t('scopes.chosen', { count: 11 }), 'Выбрано 11 областей доступа');
});

t.test('a name written from right to left leaves its sentence in order', async (t) => {
  const words = createWords('en', english);
  t.equal(words.t('revoke.done', { name: 'שלום' }), '“\u2068שלום\u2069” is revoked.');
  t.equal(words.t('revoke.done', { name: 'build' }), '“build” is revoked.', 'others stand as they are');
});

t.test('dates are written as the person’s own country does', async (t) => {
  t.equal(findLocale('en', ['de', 'en-GB', 'en-US']), 'en-GB');
  t.equal(findLocale('fr', ['en-GB']), 'fr');
  const words = createWords('en', english, { locale: 'en-GB', timeZone: 'UTC' });
  t.equal(words.date('2026-11-27T20:15:00Z'), '27 Nov 2026');
});

t.test('a problem is said in the person’s language, and an unknown one in the server’s words', async (t) => {
  const words = createWords('en', english);
  const problem = (code: string, status: number, detail = '') =>
    words.problem({ kind: 'problem', code, status, detail, retryAfterSeconds: undefined });
  t.match(problem('token_revoked', 409), /revoked already/);
  t.match(problem('unavailable', 503), /its store/);
  t.match(problem('bad_gateway', 502), /its store/, 'a proxy between answers for it');
  t.match(problem('unreachable', 0), /connection/);
  t.equal(problem('something_new', 422, 'Write it otherwise.'), 'Write it otherwise.');
  t.match(problem('toString', 400), /does not understand/, 'a name that every object has is no message');
});

t.test('the first language that the person prefers and the console has is taken', async (t) => {
  t.equal(chooseLanguage(['de-AT', 'fr-CA', 'en']), 'fr');
  t.equal(chooseLanguage(['RU']), 'ru');
  t.equal(chooseLanguage(['zz']), 'en');
  t.equal(chooseLanguage([]), 'en');
});
