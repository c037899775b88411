// All messages in English: the other languages have the same keys and placeholders.

import { organization } from './organization.ts';
import { shell } from './shell.ts';
import { tokens } from './tokens.ts';

export const catalogue = { ...shell, ...tokens, ...organization } as const;
