// Which address of an upstream comes next: one that is up before one that is not, then the least busy, then in turns. Pure.

import type { UpstreamAddress } from './upstream-address.ts';

/**
 * `turn`: where the round begins. `tried`: not those. Undefined: there is none left but what somebody is trying already.
 * When all are down the best of them is chosen all the same, as Envoy's panic mode does; to one that cannot be connected to,
 * one request at a time goes.
 */
export const chooseAddress = (
  addresses: readonly UpstreamAddress[],
  nowMs: number,
  turn: number,
  tried: readonly UpstreamAddress[],
): UpstreamAddress | undefined => {
  let best: UpstreamAddress | undefined;
  let bestRank = outOfQuestion;
  for (let step = 0; step < addresses.length; step += 1) {
    const address = addresses[(turn + step) % addresses.length];
    if (address === undefined || tried.includes(address)) continue;
    const rank = rankOf(address, nowMs);
    if (rank > bestRank || rank === outOfQuestion) continue;
    if (rank === bestRank && best !== undefined && address.busy >= best.busy) continue;
    best = address;
    bestRank = rank;
  }
  return best;
};

const outOfQuestion = 3;

const rankOf = ({ health }: UpstreamAddress, nowMs: number): number => {
  switch (health.state(nowMs)) {
    case 'up':
      return 0;
    case 'failing':
      return 1;
    case 'unreachable':
      return health.isBeingTried ? outOfQuestion : 2;
  }
};
