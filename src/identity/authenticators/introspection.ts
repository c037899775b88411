// Tokens that only their issuer can judge: it is asked about each (RFC 7662). An opaque token goes to the issuer whose prefix
// it has, or to the one without a prefix; a JWT to the issuer that it names. An issuer that cannot be asked is an outage.

import { denial, isDenial, isOutage, outage } from '../../decision/outcome.ts';
import type { IssuerSettings } from '../../settings/settings.ts';
import { isOwnShape, secretLengthMin } from '../../tokens/api-token.ts';
import { introspectedPrincipal } from '../../tokens/external-principal.ts';
import { type AskIssuer, createIntrospectionClient } from '../../tokens/introspection-client.ts';
import type {
  AuthenticatorDeps,
  AuthenticatorKind,
  CacheTimes,
  PresentedCredential,
} from '../authenticator.ts';
import { admitExternal } from '../external-account.ts';
import { createIssuerFaults } from '../issuer-faults.ts';
import { createQuestionBudget } from '../question-budget.ts';

export const introspection: AuthenticatorKind = {
  name: 'introspection',
  credentialKind: 'access_token',
  create: (deps) => {
    const issuerOf = chooseAmong(deps.settings.issuers.flatMap((issuer) => askedIssuer(issuer, deps)));
    return {
      id: introspection,
      asksIssuer: true,
      claims: (presented) => issuerOf(presented) !== undefined,
      cacheTimes: (presented) => issuerOf(presented)?.cacheTimes,
      authenticate: async (presented, nowMs) => {
        const asked = issuerOf(presented);
        if (asked === undefined) return presented.refusal();
        const answer =
          (await asked.withinBudget(presented.isRenewal, () => asked.ask(presented.value, nowMs))) ??
          outage('issuer_unavailable', tooManyQuestions(asked.settings));
        asked.noteFault(isOutage(answer) ? answer : undefined);
        if (isOutage(answer)) return answer;
        if (!answer.active) return denial('token_unknown', 'not active, as its issuer says');
        const principal = introspectedPrincipal(
          answer.members,
          asked.settings,
          presented.digest,
          deps.settings.tokens.clockLeewayMs,
          nowMs,
        );
        return isDenial(principal) ? principal : admitExternal(deps, principal);
      },
    };
  },
};

interface AskedIssuer {
  readonly settings: IssuerSettings;
  readonly tokenPrefix: string | undefined;
  readonly ask: AskIssuer;
  readonly withinBudget: ReturnType<typeof createQuestionBudget>;
  readonly noteFault: ReturnType<typeof createIssuerFaults>;
  readonly cacheTimes: CacheTimes;
}

const askedIssuer = (
  settings: IssuerSettings,
  { monotonicMs, onIssuerFault }: Pick<AuthenticatorDeps, 'monotonicMs' | 'onIssuerFault'>,
): readonly AskedIssuer[] => {
  const { introspection: how } = settings;
  if (how === undefined) return [];
  return [
    {
      settings,
      tokenPrefix: how.tokenPrefix,
      ask: createIntrospectionClient(how, settings),
      withinBudget: createQuestionBudget(how, monotonicMs),
      noteFault: createIssuerFaults(settings.issuer, onIssuerFault, monotonicMs),
      // Never served while its issuer cannot be asked: a revocation there counts after `cacheTtl` at most.
      cacheTimes: { identityTtlMs: how.cacheTtlMs, staleMs: 0, unknownTtlMs: how.negativeTtlMs },
    },
  ];
};

/**
 * Which issuer is asked; undefined: none. Never about what may be an API token made here: a secret of ours is nobody
 * else's to see.
 */
const chooseAmong = (
  issuers: readonly AskedIssuer[],
): ((presented: PresentedCredential) => AskedIssuer | undefined) => {
  const byName = new Map(issuers.map((issuer) => [issuer.settings.issuer, issuer]));
  const prefixed = issuers.filter(({ tokenPrefix }) => tokenPrefix !== undefined);
  const other = issuers.find(({ tokenPrefix }) => tokenPrefix === undefined);
  return (presented) => {
    if (issuers.length === 0) return undefined;
    const { value, issuer, isJwt } = presented;
    if (issuer !== undefined) return byName.get(issuer);
    if (value.length < secretLengthMin || isOwnShape(value)) return undefined;
    const named = prefixed.find(({ tokenPrefix = '' }) => value.startsWith(tokenPrefix));
    // What has the form of a JWT but is none is garbage, unless a prefix says otherwise.
    return named ?? (isJwt ? undefined : other);
  };
};

const tooManyQuestions = ({ issuer }: IssuerSettings): Error =>
  new Error(
    `${issuer} is asked about as many tokens as its settings allow; ` +
      'see concurrencyMax and newTokensPerSecond of its introspection',
  );
