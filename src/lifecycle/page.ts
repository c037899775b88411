// Bounds of a page of a listing.

import type { PageRequest } from '../store/token-store.ts';
import { type CommandError, commandError } from './command-error.ts';

const pageLimitMax = 1000;
const cursorBytesMax = 1024;

export const checkPage = (page: PageRequest): CommandError | undefined => {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > pageLimitMax)
    return commandError('page_malformed', `A page holds 1 to ${pageLimitMax} items.`);
  if (page.cursor !== undefined && page.cursor.length > cursorBytesMax)
    return commandError(
      'page_malformed',
      'That cursor is not one a listing gave. Begin again without a cursor.',
    );
  return undefined;
};
