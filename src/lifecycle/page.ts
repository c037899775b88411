// Bounds of a page of a listing.

import type { PageRequest } from '../store/token-store.ts';
import { type Problem, problem } from './problem.ts';

const pageLimitMax = 1000;
const cursorBytesMax = 1024;

export const checkPage = (page: PageRequest): Problem | undefined => {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > pageLimitMax)
    return problem('page_malformed', `A page holds 1 to ${pageLimitMax} items.`);
  if (page.cursor !== undefined && page.cursor.length > cursorBytesMax)
    return problem('page_malformed', 'That cursor is not one a listing gave. Begin again without a cursor.');
  return undefined;
};
