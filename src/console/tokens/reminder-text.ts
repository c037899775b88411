// A reminder preference in words.

import { parseDuration } from '../words/duration.ts';
import type { Words } from '../words/words.ts';

/** `remindBefore` as the API has it: null: by the organization's default; zero: none. */
export const reminderText = ({ t, duration }: Words, remindBefore: string | null): string => {
  const ms = remindBefore === null ? undefined : parseDuration(remindBefore);
  if (ms === undefined) return t('reminder.default');
  return ms === 0 ? t('reminder.none') : t('reminder.before', { time: duration(ms) });
};
