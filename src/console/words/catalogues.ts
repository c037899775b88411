// The catalogues, each loaded when its language is wanted.

import type { Catalogue, Language } from './words.ts';

export const catalogues: Readonly<Record<Language, () => Promise<{ readonly catalogue: Catalogue }>>> = {
  en: () => import('./en/catalogue.ts'),
  fr: () => import('./fr/catalogue.ts'),
  es: () => import('./es/catalogue.ts'),
  ru: () => import('./ru/catalogue.ts'),
};
