// A value once it has not changed for a moment: a search is not asked for with every letter.

import { useEffect, useState } from 'preact/hooks';

const settleMs = 250;

export const useSettled = (value: string): string => {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), settleMs);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
};
