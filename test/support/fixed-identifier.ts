// An identifier over fixed data, for tests of the edge: each credential has one answer, given at once or when the test
// says. What the real one adds (cache, store, feed) is tested in test/identity and test/system.

import type { Identity, Standing } from '../../src/decision/identity.ts';
import { renderIdentityHeaders } from '../../src/decision/identity-headers.ts';
import { denial, type Refusal } from '../../src/decision/outcome.ts';
import type { Hit, Identifier, Subject } from '../../src/identity/identifier.ts';
import type { Settings } from '../../src/settings/settings.ts';

export type Answer = Identity | Refusal | (() => Promise<Identity | Refusal>);

export interface FixedIdentifier extends Identifier {
  /** Credentials it was asked about, in order. */
  readonly asked: string[];
  /** What the feed says of everyone from now on. */
  setStanding(standing: Standing): void;
}

export const createFixedIdentifier = (
  answers: Readonly<Record<string, Answer>>,
  headers: Settings['identity']['headers'],
): FixedIdentifier => {
  const subjects = new Map<Identity, Hit>();
  const rendered = new Map<Subject, readonly string[]>();
  const asked: string[] = [];
  let standing: Standing = 'live';
  const subjectOf = (found: Identity | Refusal): Hit | Refusal => {
    if ('kind' in found) return found;
    const known = subjects.get(found) ?? {
      identity: found,
      get standing() {
        return standing;
      },
    };
    subjects.set(found, known);
    return known;
  };
  return {
    asked,
    setStanding: (next) => {
      standing = next;
    },
    identify: (credential) => {
      asked.push(credential.value);
      const answer = answers[credential.value] ?? denial('token_unknown');
      return typeof answer === 'function' ? answer().then(subjectOf) : subjectOf(answer);
    },
    verify: async ({ value }) => {
      const answer = answers[value] ?? denial('token_invalid');
      return typeof answer === 'function' ? answer() : answer;
    },
    mayBeApiToken: async () => false,
    standing: () => standing,
    headersFor: (subject) => {
      const known =
        rendered.get(subject) ??
        renderIdentityHeaders(Object.entries(headers), subject.identity, 'signed.identity.jwt');
      rendered.set(subject, known);
      return known;
    },
    accessTokenFor: (subject, upstream) => `access.${subject.identity.user.id}.${upstream}`,
  };
};
