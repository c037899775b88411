// What a registered client is: an API token whose first secret nobody was given. Its id is the client's, so that both are
// known to every replica and listed at once, as the vendor's clients expect; giving it out is its first new secret.

import type { TokenView } from '../../lifecycle/token-list.ts';
import type { Label } from '../../store/records.ts';

export const registeredLabel: Label = { name: 'vcd.oauth-client', value: 'registered' };

/** Registered, and its API token has not been given to anybody. */
export const isAwaitingGrant = ({ secretNumber, labels }: TokenView): boolean =>
  secretNumber === 0 && labels.some(({ name }) => name === registeredLabel.name);
