// One sentence about what was just done, on this page or on the next one.

import { type ComponentChildren, createContext } from 'preact';
import { useContext, useMemo, useState } from 'preact/hooks';
import { useRouter } from '../routing/router.tsx';

export interface Flash {
  readonly text: string | undefined;
  readonly say: (text: string, where?: 'here' | 'next') => void;
  readonly clear: () => void;
}

const FlashContext = createContext<Flash>({ text: undefined, say: () => {}, clear: () => {} });

export const useFlash = (): Flash => useContext(FlashContext);

export const FlashProvider = ({ children }: { readonly children: ComponentChildren }) => {
  const { visits } = useRouter();
  const [said, setSaid] = useState<{ readonly text: string; readonly until: number } | undefined>(undefined);
  const value = useMemo(
    (): Flash => ({
      text: said !== undefined && visits <= said.until ? said.text : undefined,
      say: (text, where = 'here') => setSaid({ text, until: where === 'here' ? visits : visits + 1 }),
      clear: () => setSaid(undefined),
    }),
    [said, visits],
  );
  return <FlashContext.Provider value={value}>{children}</FlashContext.Provider>;
};
