// The language and the appearance that a person chose for this browser, and the words that go with them. Only these two
// choices are kept in the browser's storage.

import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { catalogues } from '../words/catalogues.ts';
import {
  type Catalogue,
  chooseLanguage,
  createWords,
  findLocale,
  isLanguage,
  type Language,
  type Words,
} from '../words/words.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export interface Preferences {
  readonly words: Words;
  readonly theme: Theme;
  readonly setLanguage: (language: Language) => void;
  readonly setTheme: (theme: Theme) => void;
}

const PreferencesContext = createContext<Preferences | undefined>(undefined);

export const usePreferences = (): Preferences => {
  const preferences = useContext(PreferencesContext);
  if (preferences === undefined) throw new Error('There are no preferences around this component');
  return preferences;
};

export const useWords = (): Words => usePreferences().words;

/** Storage may be switched off: then a choice lasts as long as the page. */
const recall = (name: string): string | null => {
  try {
    return window.localStorage.getItem(`tollgate.${name}`);
  } catch {
    return null;
  }
};

const keep = (name: string, value: string): void => {
  try {
    window.localStorage.setItem(`tollgate.${name}`, value);
  } catch {
    // It lasts as long as the page.
  }
};

const recallLanguage = (): Language => {
  const kept = recall('language');
  return isLanguage(kept) ? kept : chooseLanguage(window.navigator.languages);
};

const recallTheme = (): Theme => themes.find((each) => each === recall('theme')) ?? 'system';

type Loaded = { readonly language: Language; readonly catalogue: Catalogue };

export const PreferencesProvider = ({ children }: { readonly children: ComponentChildren }) => {
  const [language, setLanguage] = useState(recallLanguage);
  const [theme, setTheme] = useState(recallTheme);
  const [loaded, setLoaded] = useState<Loaded | 'failed' | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    const take = (next: Loaded | 'failed'): void => {
      if (isWanted) setLoaded((before) => (next === 'failed' && before !== undefined ? before : next));
    };
    catalogues[language]().then(
      ({ catalogue }) => take({ language, catalogue }),
      () => take('failed'),
    );
    return () => {
      isWanted = false;
    };
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  const spoken = typeof loaded === 'object' ? loaded.language : 'en';
  useEffect(() => {
    document.documentElement.lang = spoken;
  }, [spoken]);
  if (loaded === undefined) return <p class="boot" aria-busy="true" />;
  if (loaded === 'failed') return <p class="boot">The console could not be loaded. Reload this page.</p>;
  const value: Preferences = {
    words: createWords(loaded.language, loaded.catalogue, {
      locale: findLocale(loaded.language, window.navigator.languages),
    }),
    theme,
    setLanguage: (chosen) => {
      keep('language', chosen);
      setLanguage(chosen);
    },
    setTheme: (chosen) => {
      keep('theme', chosen);
      setTheme(chosen);
    },
  };
  return <PreferencesContext.Provider value={value}>{children}</PreferencesContext.Provider>;
};
