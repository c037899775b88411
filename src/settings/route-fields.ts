// The fields of one route, as a person writes them.

import { type AddressRule, addressRuleOf } from '../decision/address-rule.ts';
import { type HostPattern, parseHostPattern } from '../decision/host-pattern.ts';
import { isPatternFault, parsePattern, type PathPattern } from '../decision/path-pattern.ts';
import { isScope, looksLikeScopes } from '../decision/scope.ts';
import { corsFields } from './cors-fields.ts';
import { field, group } from './field.ts';
import { method, network } from './network-readers.ts';
import { duration, size } from './quantity.ts';
import { flag, listOf, not, oneOf, type Read, type Reader, refined, right, text, wrong } from './reader.ts';

const scope: Reader<string> = {
  read: (value): Read<string> => {
    if (typeof value !== 'string' || !isScope(value)) return not(value, 'a scope', scope.expects);
    if (looksLikeScopes(value)) return wrong('has a comma and would be one scope; write one item for each');
    return right(value);
  },
  expects: 'things:read (visible ASCII without blanks, " and \\)',
  json: { type: 'string' },
};

/** A name that is a metric label and a log field. */
export const name = text(
  'a name',
  'a name of letters, digits, - _ and ., such as read-things',
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
);

export const routePath: Reader<PathPattern> = {
  read: (value): Read<PathPattern> => {
    if (typeof value !== 'string' || !value.startsWith('/')) return not(value, 'a path', routePath.expects);
    const pattern = parsePattern(value);
    return isPatternFault(pattern) ? wrong(`${JSON.stringify(value)}: ${pattern.fault}`) : right(pattern);
  },
  expects: '/things, /things/* (everything below /things/) or /accounts/{org}/things ({org} is one segment)',
  json: { type: 'string', pattern: '^/' },
};

const routeHost: Reader<HostPattern> = {
  read: (value): Read<HostPattern> => {
    if (typeof value !== 'string') return not(value, 'a host', routeHost.expects);
    const host = parseHostPattern(value);
    return 'fault' in host ? wrong(`${JSON.stringify(value)}: ${host.fault}`) : right(host);
  },
  expects: 'api.example.com, or *.example.com for every name below example.com',
  json: { type: 'string' },
};

export const errorDialect = (description: string) =>
  field(oneOf('problem', 'vcd', 'csp', 'astra'), description);

export const enforcementMode = (description: string) => field(oneOf('enforce', 'shadow'), description);

const networksMax = 256;

/** Every request is compared with each of them. */
const networks: Reader<AddressRule> = refined(listOf(network, 1), (list) =>
  list.length <= networksMax
    ? right(addressRuleOf(list))
    : wrong(`has ${list.length} networks; write ${networksMax} at most, and join neighbours (10.0.0.0/23)`),
);

export const routeFields = group({
  name: field(name, 'Names the rule in metrics and logs; unique.'),
  mode: enforcementMode(
    '`shadow`: what is decided is counted and logged, and every request goes on with what it carries. To try a route out.',
  ).prefault('enforce'),
  methods: field(
    listOf(method, 1),
    'Methods it covers; GET covers HEAD too, unless a rule for the same path names HEAD. Without it: GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS.',
  ).optional(),
  path: field(
    routePath,
    'Path it covers: `/things` exactly, `/things/*` everything below `/things/`, `{name}` one segment. The most exact path wins, whatever the order.',
  ),
  host: field(
    routeHost,
    'Host it is for: `api.example.com`, or `*.example.com`: every name below. Of two routes for the same path the more exact host counts. Without it: all hosts.',
  ).optional(),
  public: field(flag, 'Anyone may call it; a valid credential still adds the identity.').prefault(false),
  scopes: field(
    listOf(scope),
    'Scopes the caller must have, all of them. An empty list asks for any valid credential. Required unless `public: true`.',
  ).optional(),
  tenant: field(
    text('a parameter name', 'the name of a {parameter} in the path, or none'),
    "Path parameter that must equal the id of the caller's org. A parameter named `org` is compared without asking; `none` turns that off.",
  ).optional(),
  foreignTenant: field(
    oneOf('forbidden', 'not-found'),
    "What a path of another org than the caller's is answered: 403, or 404 as if it did not exist.",
  ).prefault('forbidden'),
  errors: errorDialect(
    'The format of refusals on this route. Default: the `errors` of the whole file.',
  ).optional(),
  sessions: field(
    oneOf('any', 'interactive'),
    '`interactive`: only sessions of a person who signed in, not API tokens.',
  ).prefault('any'),
  allowFrom: field(
    networks,
    'Networks from which alone it may be called, e.g. [10.0.0.0/8, 2001:db8::/32]; else 403 for every caller. Never one of `trustedProxies` or `proxyProtocol.trustedPeers`.',
  ).optional(),
  cors: corsFields
    .meta({
      description:
        'Pages of which other origins may call it (CORS), instead of what the file says for all routes.',
    })
    .optional(),
  upstream: field(name, 'Where requests go: a name in `upstreams`, or `default`.').prefault('default'),
  forwardCredential: field(
    oneOf('strip', 'access-token', 'keep'),
    'What the API gets of the credential: nothing, an access token in its place, or the credential itself.',
  ).prefault('strip'),
  stripPrefix: field(
    text('a path', 'a beginning of the path, such as /api', /^\//),
    'Beginning of the path that the API does not get. The rule is judged on the path as it came.',
  ).optional(),
  addPrefix: field(
    text('a path', 'a path such as /internal', /^\//),
    'Put before the path that the API gets, behind `stripPrefix`.',
  ).optional(),
  rewrite: field(
    text('a path', 'a path such as /v2/users/{id}/*', /^\//),
    'The path that the API gets, with the {parameters} of `path`, and * for what its * stands for. Instead of the two others.',
  ).optional(),
  mapResponses: field(
    flag,
    "Maps the API's Location, Content-Location, and Path and Domain of Set-Cookie back to the paths and the host that the caller sees.",
  ).prefault(false),
  encodedReserved: field(
    oneOf('refuse', 'pass'),
    '`pass`: escapes of / \\ ; ? # in the path go on byte for byte, where this rule, or one that asks no more, covers the path however they are decoded.',
  ).prefault('refuse'),
  credentialQueryParameter: field(
    text('a parameter name', 'a name such as access_token', /^[A-Za-z0-9._~-]{1,64}$/),
    'Query parameter that may carry the credential here; removed before forwarding. URLs end up in logs: prefer the header.',
  ).optional(),
  upgrade: field(flag, 'Passes an Upgrade (WebSocket) on.').prefault(false),
  requestBodyBytesMax: field(size('0', '1024GB'), 'Largest request body; more is 413.').prefault('1GB'),
  responseTimeoutMs: field(
    duration('10ms', '1d'),
    "Time until the API's response headers; more is 504. Without it: the upstream's `responseTimeout`.",
  ).optional(),
});
