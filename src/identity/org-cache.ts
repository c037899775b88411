// Orgs as last read: many tokens share one, so an identity's look-up reads the org from here. A record older than what
// the change feed says of its org is never served.

import { LRUCache } from 'lru-cache';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { OrgRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { SingleFlight } from './single-flight.ts';

const orgsMax = 1_000;

export class OrgCache {
  readonly #store: Pick<TokenStore, 'findOrg'>;
  readonly #orgs: LRUCache<string, OrgRecord>;
  readonly #flights = new SingleFlight<OrgRecord | undefined | Outage>();
  /** Grows with every `clear`: what was asked for before it is not kept. */
  #epoch = 0;

  constructor(store: Pick<TokenStore, 'findOrg'>, ttlMs: number) {
    this.#store = store;
    this.#orgs = new LRUCache({ max: orgsMax, ttl: ttlMs });
  }

  /**
   * The org as cached if that is `generationMin` or later, else as the store has it. A look-up under way since before
   * a change may bring an older one: the identity made of it is then `outdated`, and its look-up asks again.
   */
  async find(orgId: string, generationMin: number): Promise<OrgRecord | undefined | Outage> {
    const known = this.#orgs.get(orgId);
    if (known !== undefined && known.generation >= generationMin) return known;
    return this.#flights.join(orgId, () => this.#read(orgId));
  }

  clear(): void {
    this.#epoch += 1;
    this.#orgs.clear();
  }

  async #read(orgId: string): Promise<OrgRecord | undefined | Outage> {
    const epoch = this.#epoch;
    const found = await this.#store.findOrg(orgId);
    if (found !== undefined && !isOutage(found) && epoch === this.#epoch) this.#orgs.set(orgId, found);
    return found;
  }
}
