// A confirmation by typing a name: for what ends a great deal at once.

import { useState } from 'preact/hooks';
import { useWords } from '../session/preferences.tsx';
import { TextField } from './fields.tsx';

export const useTypedName = (name: string) => {
  const { t } = useWords();
  const [typed, setTyped] = useState('');
  const field = (
    <TextField label={t('confirm.typeName', { name })} value={typed} onValue={setTyped} isRequired />
  );
  return { field, isRight: typed.trim() === name.trim() };
};
