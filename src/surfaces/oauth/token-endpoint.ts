// POST {prefix}/token: API token in, access token out. Two grants: refresh_token (RFC 6749 §6; the API token is the
// refresh token and is not rotated) and token-exchange (RFC 8693; narrower scopes, from either kind of token).

import { type CredentialForm, parseCredential } from '../../decision/credential.ts';
import { isDenial, isRefusal } from '../../decision/outcome.ts';
import { parseScopes } from '../../decision/scope.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { ExchangeCommand } from '../../lifecycle/exchange.ts';
import type { Issued, IssueError } from '../../lifecycle/issue.ts';
import { type Answer, type Endpoint, success } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { isFault } from '../failures.ts';
import type { Parameters } from '../parameters.ts';
import { clientEndpoint } from './oauth-client.ts';
import { badRequest, type OauthErrorCode, type OauthFault, refusedCredential } from './oauth-error.ts';

export const grantTypes = {
  refresh: 'refresh_token',
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
} as const;

/** RFC 8693 §3. */
const tokenTypes = {
  access: 'urn:ietf:params:oauth:token-type:access_token',
  refresh: 'urn:ietf:params:oauth:token-type:refresh_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const;

/** What a grant needs once its own parameters are read. */
interface Grant {
  readonly token: string;
  /** The parameter that carried it, for messages. */
  readonly parameter: 'refresh_token' | 'subject_token';
  /** Forms of credential this grant takes. */
  readonly forms: readonly CredentialForm[];
  readonly error: Extract<OauthErrorCode, 'invalid_grant' | 'invalid_request'>;
  readonly extra: Readonly<Record<string, string>>;
}

/** RFC 8693 §2.1, RFC 8707 §2. */
const repeatable = ['audience', 'resource'];

export const postToken = (deps: EndpointDeps): Endpoint =>
  clientEndpoint(deps, repeatable, async (client, parameters, request) => {
    const grant = readGrant(parameters);
    if (isFault(grant)) return grant;
    const credential = parseCredential(grant.token, deps.settings.credential);
    if (isDenial(credential)) return refusedCredential(credential, grant.error, grant.parameter);
    if (!grant.forms.includes(credential.form))
      return badRequest(grant.error, wrongForm(grant), 'credential_malformed');
    const narrowing = readNarrowing(parameters);
    if (isFault(narrowing)) return narrowing;
    const result = await deps.exchange({
      credential,
      ...narrowing,
      clientId: client.kind === 'confidential' ? client.id : undefined,
      origin: request,
    });
    if (isRefusal(result)) return refusedCredential(result, grant.error, grant.parameter);
    return isCommandError(result) ? refusedCommand(result) : issued(result, grant);
  });

const readGrant = (parameters: Parameters): Grant | OauthFault => {
  const type = parameters.one('grant_type');
  switch (type) {
    case undefined:
      return badRequest(
        'invalid_request',
        `Send grant_type=${grantTypes.refresh} or ${grantTypes.exchange}.`,
      );
    case grantTypes.refresh:
      return readRefresh(parameters);
    case grantTypes.exchange:
      return readExchange(parameters);
    default:
      return badRequest(
        'unsupported_grant_type',
        `This server knows grant_type=${grantTypes.refresh} and ${grantTypes.exchange}.`,
      );
  }
};

const readRefresh = (parameters: Parameters): Grant | OauthFault => {
  const token = parameters.one('refresh_token');
  if (token === undefined) return badRequest('invalid_request', 'Send the API token as refresh_token.');
  return { token, parameter: 'refresh_token', forms: ['opaque'], error: 'invalid_grant', extra: {} };
};

/** RFC 8693 §2.1. Acting for somebody else (actor_token) is refused rather than ignored. */
const readExchange = (parameters: Parameters): Grant | OauthFault => {
  const token = parameters.one('subject_token');
  if (token === undefined)
    return badRequest('invalid_request', 'Send the token to exchange as subject_token.');
  if (parameters.one('actor_token') !== undefined || parameters.one('actor_token_type') !== undefined)
    return badRequest('invalid_request', 'actor_token is not supported: a token acts for its own user only.');
  const requested = parameters.one('requested_token_type') ?? tokenTypes.access;
  if (requested !== tokenTypes.access && requested !== tokenTypes.jwt)
    return badRequest('invalid_request', `Only requested_token_type=${tokenTypes.access} can be issued.`);
  const forms = formsOfType.get(parameters.one('subject_token_type'));
  if (forms === undefined)
    return badRequest(
      'invalid_request',
      `Send subject_token_type=${tokenTypes.access}; for an API token ${tokenTypes.refresh} will do too.`,
    );
  const extra = { issued_token_type: requested };
  return { token, parameter: 'subject_token', forms, error: 'invalid_request', extra };
};

/** An API token is presented like an access token on the proxied path, and like a refresh token here: both names fit. */
const formsOfType: ReadonlyMap<string | undefined, readonly CredentialForm[]> = new Map([
  [tokenTypes.access, ['jwt', 'opaque']],
  [tokenTypes.jwt, ['jwt']],
  [tokenTypes.refresh, ['opaque']],
]);

const wrongForm = (grant: Grant): string =>
  grant.forms.includes('opaque')
    ? `The ${grant.parameter} is an access token; send an API token, or use ${grantTypes.exchange}.`
    : `The ${grant.parameter} is not a JWT; for an API token send subject_token_type=${tokenTypes.refresh}.`;

type Narrowing = Pick<ExchangeCommand, 'scopes' | 'audiences' | 'validityMs'>;

/** `scope`, `audience`, `resource`, and our own `expires_in`: a shorter life, in seconds. */
const readNarrowing = (parameters: Parameters): Narrowing | OauthFault => {
  const text = parameters.one('scope');
  const scopes = text === undefined ? undefined : parseScopes(text);
  if (text !== undefined && scopes === undefined)
    return badRequest(
      'invalid_scope',
      'scope is a list of scopes separated by single spaces.',
      'scope_missing',
    );
  const validity = parameters.one('expires_in');
  if (validity !== undefined && !/^[1-9]\d{0,8}$/.test(validity))
    return badRequest('invalid_request', 'expires_in is a whole number of seconds from 1.');
  return {
    scopes,
    audiences: [...parameters.all('audience'), ...parameters.all('resource')],
    validityMs: validity === undefined ? undefined : Number(validity) * 1000,
  };
};

const refusedCommand = (problem: IssueError): OauthFault => {
  switch (problem.code) {
    case 'scope_too_wide':
    case 'access_token_too_large':
      return badRequest('invalid_scope', problem.message, 'scope_missing');
    case 'audience_unknown':
      return badRequest('invalid_target', problem.message);
    case 'session_foreign':
      return badRequest('invalid_request', problem.message);
  }
};

/** RFC 6749 §5.1, RFC 8693 §2.2.1. */
const issued = (result: Issued, grant: Grant): Answer => {
  const body = {
    access_token: result.accessToken,
    ...grant.extra,
    token_type: 'Bearer',
    expires_in: Math.floor((result.expiresAtMs - result.issuedAtMs) / 1000),
    scope: result.scopes.join(' '),
    ...(result.idToken === undefined ? {} : { id_token: result.idToken }),
  };
  return success(200, body, result.identity);
};
