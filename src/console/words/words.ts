// The words of the pages in one language: messages of the catalogue, and dates and durations as that language writes them.
// English is the catalogue that says which messages there are; a language without one of them does not compile.

import { isOutage, type Problem } from '../api/problem.ts';
import { createDates, type Dates } from './dates.ts';
import type { catalogue as english } from './en/catalogue.ts';
import {
  fill,
  formOf,
  type Message,
  type NamesOf,
  type Plural,
  type Values,
  type ValuesOf,
} from './message.ts';

export type Key = keyof typeof english;
/** Of a message without values. */
export type PlainKey = { [K in Key]: ValuesOf<(typeof english)[K]> extends [] ? K : never }[Key];
/** The names of the values that the message of this key needs. */
export type NamesIn<K extends Key> = NamesOf<(typeof english)[K]>;
export type Catalogue = {
  readonly [K in Key]: (typeof english)[K] extends string ? string : Plural;
};

export const languages = ['en', 'fr', 'es', 'ru'] as const;
export type Language = (typeof languages)[number];

/** In its own language, for the choice. */
export const languageNames: Readonly<Record<Language, string>> = {
  en: 'English',
  fr: 'Français',
  es: 'Español',
  ru: 'Русский',
};

export const isLanguage = (name: unknown): name is Language => languages.some((each) => each === name);

/** The first language that the person prefers and these pages have. */
export const chooseLanguage = (preferred: readonly string[]): Language =>
  preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en';

export interface Words extends Dates {
  readonly language: Language;
  /** The message as text. */
  readonly t: <K extends Key>(key: K, ...values: ValuesOf<(typeof english)[K]>) => string;
  /** The message with its placeholders still in it, for a component to fill. */
  readonly form: (key: Key, values: Values) => string;
  readonly number: (value: number) => string;
  /** `1.5 MB`, in units of 1000. */
  readonly bytes: (value: number) => string;
  /** The key, if there is such a message: for codes that the server names. */
  readonly find: (key: string) => Key | undefined;
  /** What went wrong and what to do, in one or two sentences. */
  readonly problem: (problem: Problem) => string;
}

/** The person's own variant of the language, whose dates they are used to: `en-GB`. */
export const findLocale = (language: Language, preferred: readonly string[]): string =>
  preferred.find((tag) => tag.toLowerCase().startsWith(`${language}-`)) ?? language;

export interface WordsOptions {
  readonly locale?: string;
  /** Undefined: the person's own. */
  readonly timeZone?: string;
}

export const createWords = (
  language: Language,
  catalogue: Catalogue,
  { locale = language, timeZone }: WordsOptions = {},
): Words => {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(locale);
  const form = (key: Key, values: Values): string => {
    const message: Message = catalogue[key];
    return formOf(message, values, rules);
  };
  const find = (key: string): Key | undefined => (isKey(catalogue, key) ? key : undefined);
  const sentence = (problem: Problem): string => {
    if (isOutage(problem) && problem.code !== 'unreachable') return form('problem.unavailable', {});
    const key = find(`problem.${problem.code}`);
    return key === undefined ? problem.detail || form('problem.unexpected', {}) : form(key, {});
  };
  return {
    language,
    t: (key, ...[values = {}]) => fill(form(key, values), values, numbers),
    form,
    find,
    number: (value) => numbers.format(value),
    bytes: (value) => formatBytes(locale, value),
    problem: sentence,
    ...createDates(locale, timeZone),
  };
};

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

const formatBytes = (locale: string, value: number): string => {
  const power = Math.max(0, Math.min(byteUnits.length - 1, Math.floor(Math.log10(value) / 3)));
  const unit = { style: 'unit', unit: byteUnits[power] ?? 'byte', maximumFractionDigits: 1 } as const;
  const unitDisplay = power === 0 ? 'long' : 'short';
  return new Intl.NumberFormat(locale, { ...unit, unitDisplay }).format(value / 1000 ** power);
};

const isKey = (catalogue: Catalogue, key: string): key is Key => Object.hasOwn(catalogue, key);
