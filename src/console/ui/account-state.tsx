// Whether an account, of a user or an organization, is active.

import type { User } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { Badge } from './notice.tsx';

export const AccountState = ({ state }: { readonly state: User['state'] }) => {
  const { t } = useWords();
  return <Badge tone={state === 'active' ? 'ok' : 'off'}>{t(`account.${state}`)}</Badge>;
};
