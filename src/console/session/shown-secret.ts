// The secret that is being shown, once: in the memory of this page alone, until the person goes on, leaves the page in any
// way or reloads it. It is in no URL, storage, history or log.

import type { ApiTokenWithSecret } from '../api/shapes.ts';

let shown: ApiTokenWithSecret | undefined;

export const showSecret = (token: ApiTokenWithSecret): void => {
  shown = token;
};

export const shownSecret = (tokenId: string): ApiTokenWithSecret | undefined =>
  shown?.id === tokenId ? shown : undefined;

export const forgetSecret = (): void => {
  shown = undefined;
};
