// Brings the person to the first field that something is wrong with.

import { useEffect, useRef, useState } from 'preact/hooks';

export const useFirstFault = () => {
  const ref = useRef<HTMLFormElement>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (asked === 0) return;
    const faulty = ref.current?.querySelector<HTMLElement>('[aria-invalid="true"], .error');
    const field =
      faulty?.matches('input, select') === true
        ? faulty
        : faulty?.closest('fieldset')?.querySelector('input');
    field?.focus();
    faulty?.scrollIntoView({ block: 'center' });
  }, [asked]);
  return { ref, showFirst: () => setAsked((before) => before + 1) };
};
