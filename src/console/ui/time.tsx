// A time as the person's language and zone write it; the exact one is on hover and in `datetime`.

import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { useWords } from '../session/preferences.tsx';

export interface TimeProps {
  readonly iso: string;
  /** `relative`: how long ago, or how soon; `date`: without the hour. */
  readonly look?: 'dateTime' | 'date' | 'relative';
}

export const Time = ({ iso, look = 'dateTime' }: TimeProps) => {
  const { date, dateTime, exact, relative } = useWords();
  const nowMs = useNow();
  const shown = look === 'relative' ? relative(iso, nowMs) : look === 'date' ? date(iso) : dateTime(iso);
  return (
    <time dateTime={iso} title={exact(iso)}>
      {shown}
    </time>
  );
};

const tickMs = 10_000;

const NowContext = createContext(0);

/** Milliseconds since the epoch, renewed every ten seconds: an open page notices what expires. */
export const useNow = (): number => useContext(NowContext);

export const NowProvider = ({ children }: { readonly children: ComponentChildren }) => {
  const [nowMs, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), tickMs);
    return () => window.clearInterval(timer);
  }, []);
  return <NowContext.Provider value={nowMs}>{children}</NowContext.Provider>;
};
