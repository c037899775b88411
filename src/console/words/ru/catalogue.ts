// All messages in Russian.

import type { Catalogue } from '../words.ts';
import { organization } from './organization.ts';
import { shell } from './shell.ts';
import { tokens } from './tokens.ts';

export const catalogue: Catalogue = { ...shell, ...tokens, ...organization };
