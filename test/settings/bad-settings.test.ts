// One file in bad/ for each thing a person can get wrong: what is said, and where.

import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';

process.chdir(join(import.meta.dirname, '../..'));
const folder = 'test/settings/bad';

/** Sentence -> the file, and each problem as it is told: line, path, part of the message. */
const table: Record<string, readonly [file: string, ...told: readonly RegExp[]]> = {
  // the file as such
  'a file must be a mapping': ['not-a-mapping', /^:1:1: is not a mapping; write key: value/],
  'a key may stand once': ['duplicate-key', /^:3:1: the same key stands twice/],
  'tabs do not indent': ['tab', /^:2:1: is indented with a tab; indent with blanks/],
  'a quote that is not closed is told once': ['unclosed-quote', /^:3:1: lacks a closing quote/],
  'there is one document': ['two-documents', /^:2:1: holds several documents/],
  'tags mean nothing': ['unknown-tag', /^:1:9: has a tag \(!name\)/],
  'an alias needs its anchor': ['unknown-anchor', /^:1:1: .*without its anchor/],
  'aliases cannot blow the file up': ['alias-bomb', /^:1:1: has too many aliases/],
  'a value cannot hold itself': ['alias-loop', /^:1:1: .*alias.* within it;/],
  'a path with {braces} is quoted in a flow mapping': ['brace-in-flow', /^:2:34: .*\{ \}.* in quotes/],
  'a misspelt key is named with what was meant': [
    'unknown-key',
    /^:2:11: upstraem: there is no setting "upstraem" here; did you mean upstream\?/,
  ],
  'a key that is like none is told the keys there are': [
    'unknown-key-deep',
    /^:3:8: cache.tll: .*the settings here are identitiesMax, identityTtl, unknownMax, unknownTtl/,
  ],
  'a key without a value says what to write': ['empty-value', /^:1:1: listen: is empty; write HOST:PORT/],
  'a group is a mapping': ['group-not-a-mapping', /^:1:9: limits: is not a mapping; write key: value/],
  'a list is a list': ['list-not-a-list', /^:1:1: routes: is not a list; write one entry a line/],
  // reminders
  'reminders have something to be sent by': [
    'reminders-by-nothing',
    /^:1:\d+: reminders.enabled: has nothing to send by; write reminders.smtp or reminders.webhook/,
  ],
  'the sender of mail is one address': [
    'reminders-from',
    /^:4:\d+: reminders.smtp.from: .* is not the sender of mail/,
  ],
  'a password of mail has a user': [
    'reminders-password',
    /^:2:\d+: reminders.smtp: has only one of `user` and `password`/,
  ],
  'no password of mail goes over the network for all to read': [
    'reminders-plain-password',
    /^:5:\d+: reminders.smtp.tls: is opportunistic/,
  ],
  'the secret of a webhook is long enough': [
    'reminders-secret',
    /^:4:\d+: reminders.webhook.secret: is not such a secret \(not shown\); write whsec_/,
  ],
  'a token has so many reminders': ['reminders-many', /^:2:\d+: reminders.before: has more than 8 durations/],
  // rate limits and quotas
  'a limit of 0 is none': [
    'limit-of-nothing',
    /^:4:\d+: rateLimits\[0\].requests: 0 is not a whole number from 1 to/,
  ],
  'a quota of 0 is none': [
    'quota-of-nothing',
    /^:4:\d+: quotas\[0\].requests: 0 is not a whole number from 1 to/,
  ],
  'a burst holds what comes while a replica has its lease': [
    'limit-burst',
    /^:5:\d+: rateLimits\[0\].burst: is smaller than what comes in 50ms, .*; write 50 or more/,
  ],
  'limits and quotas have unique names': [
    'limit-name-twice',
    /^:4:\d+: quotas\[0\].name: "all" is also the name of rateLimits\[0\]/,
  ],
  'the routes of a limit exist': [
    'limit-route-unknown',
    /^:5:\d+: rateLimits\[0\].routes: "thing" is no route; did you mean things\?/,
  ],
  'the window of a limit is whole seconds': [
    'limit-window',
    /^:5:\d+: rateLimits\[0\].window: is no whole number of seconds; write 1s/,
  ],
  'a limit says whom it is for, and a quota its period': [
    'limit-per',
    /^:3:\d+: quotas\[0\].per: "tokens" is not known here; write one of token, user, org, route, address/,
    /^:5:\d+: quotas\[0\].period: "week" is not known here; write one of day, month/,
  ],
  // the console
  'an OpenID provider of the console is one of the issuers': [
    'console-provider-unknown',
    /^:4:\d+: surfaces.console.providers\[0\].issuer: is none of `issuers`/,
  ],
  'it has a name of its own': [
    'console-provider-twice',
    /^:\d+:\d+: surfaces.console.providers\[1\].name: stands twice/,
  ],
  'it is asked who has signed in': [
    'console-provider-scopes',
    /^:\d+:\d+: surfaces.console.providers\[0\].scopes: lacks openid/,
  ],
  'nobody signs in over plain http': [
    'console-provider-http',
    /^:\d+:\d+: surfaces.console.providers\[0\].issuer: is plain http/,
  ],
  'an origin has no path': [
    'console-origin',
    /^:2:\d+: surfaces.console.origin: has more than scheme, host and port; write https:\/\/a.example$/,
  ],
  'the cookie of the console is no credential': [
    'console-cookie',
    /^:1:\d+: credential.cookie: is a cookie of the console/,
  ],
  'the console has an address of its own, or none': [
    'console-listen',
    /^:3:\d+: surfaces.console.listen: is the same address as `listen`/,
  ],
  'a route within the console is refused': [
    'console-route',
    /^:4:\d+: routes\[0\].path: \/tollgate\/console\/help is answered by Tollgate itself.*surfaces.console.prefix/,
  ],
  'the console needs a sealing key also where signing keys are given': [
    'console-without-key',
    /^:5:\d+: surfaces.console.enabled: needs a sealing key/,
  ],
  // places
  'an address needs a port': [
    'listen-no-port',
    /^:1:9: listen: "127.0.0.1" is not an address; write HOST:PORT/,
  ],
  'a port is at most 65535': ['listen-port-too-high', /^:1:9: listen: .*is not an address/],
  "a socket's path is short": [
    'listen-socket-too-long',
    /^:1:9: listen: the socket's path is longer than 107/,
  ],
  'callers and ops have addresses of their own': [
    'same-addresses',
    /^:2:6: ops: is the same address as `listen`/,
  ],
  'forward-auth answers nobody who is not named': [
    'forward-auth-without-peers',
    /^:1:1: forwardAuth.trustedPeers: is empty, so nobody may ask/,
  ],
  'nor everybody': ['forward-auth-everybody', /^:3:3: forwardAuth.trustedPeers: believes every address/],
  'nor those who cannot come that way, by a socket': [
    'forward-auth-socket-of-none',
    /^:3:3: forwardAuth.trustedPeers: lacks `unix`, so nobody may ask/,
  ],
  'nor by a port': [
    'forward-auth-port-of-sockets',
    /^:3:3: forwardAuth.trustedPeers: has `unix` alone, so nobody may ask/,
  ],
  // the PROXY protocol
  'a PROXY header is believed of load balancers that are named': [
    'proxy-protocol-without-peers',
    /proxyProtocol.trustedPeers: is empty, so every connection would be refused/,
  ],
  'and not of everybody': [
    'proxy-protocol-everybody',
    /^:3:3: proxyProtocol.trustedPeers: believes every address/,
  ],
  'a listener that expects one exists': [
    'proxy-protocol-no-listener',
    /^:2:\d+: proxyProtocol.listeners\[1\]: names a listener that there is not; write surfaces.console.listen, or/,
    /^:2:\d+: proxyProtocol.listeners\[2\]: .*write forwardAuth.listen, or leave "forward-auth" out/,
  ],
  'its load balancers can reach its socket': [
    'proxy-protocol-socket',
    /^:4:3: proxyProtocol.trustedPeers: lacks `unix`, so nobody may connect/,
  ],
  'or its port': ['proxy-protocol-port', /^:3:3: proxyProtocol.trustedPeers: has `unix` alone/],
  'it is in one place': ['forward-auth-twice', /^:3:9: forwardAuth.path: stands beside forwardAuth.listen/],
  'which is its own': ['forward-auth-is-ops', /^:2:11: forwardAuth.listen: is the same address as `ops`/],
  'and no path of a surface': [
    'forward-auth-is-surface',
    /^:2:9: forwardAuth.path: \/oauth2\/token is answered by oauth too/,
  ],
  'nor of a route': [
    'forward-auth-is-route',
    /^:5:22: routes\[0\].path: \/auth\/x is answered by Tollgate itself.*set forwardAuth.path to another path$/,
  ],
  'an upstream is not Tollgate itself': [
    'upstream-is-listen',
    /^:1:11: upstream.url: is Tollgate itself \(`listen`\)/,
  ],
  'nor its ops address, on whichever interface': [
    'upstream-is-ops',
    /upstreams.second.url: is Tollgate itself \(`ops`\)/,
  ],
  'nor its socket': ['upstream-is-socket', /^:2:11: upstream.url: is Tollgate itself/],
  'an upstream has no path': ['upstream-path', /^:1:11: upstream.url: .*write http:\/\/127.0.0.1:8081$/],
  'an upstream speaks http': ['upstream-scheme', /^:1:11: upstream.url: .*write http:\/\/HOST:PORT/],
  'an upstream URL holds no password': ['upstream-password', /^:1:11: upstream.url: .*\(not shown\)/],
  'escapes pass where some can stand': [
    'route-escapes',
    /^:3:\d+: routes\[0\].encodedReserved: means nothing for \/exact/,
    /^:4:\d+: routes\[1\].encodedReserved: "maybe" is not known here; write one of refuse, pass/,
  ],
  'a host is a name, and stands once for a path': [
    'route-host',
    /^:3:\d+: routes\[0\].host: "https:\/\/api.example.com": is more than a host/,
    /^:4:\d+: routes\[1\].host: "\*": \* stands for the first labels/,
    /^:6:\d+: routes\[3\].path: GET api.example.com\/c is what routes\[2\] covers too/,
  ],
  'the default upstream is written once': ['upstream-default-twice', /upstreams.default: .*in `upstream`/],
  "an upstream's name is one word": ['upstream-name', /upstreams.two words: .*is not a name/],
  'a store is SQLite or Redis': [
    'store-scheme',
    /^:1:8: store.url: mysql: is not a kind of store; write sqlite:/,
  ],
  'a store URL that cannot be read is not shown': [
    'store-unreadable',
    /^:1:8: store.url: .*not shown.*write redis:\/\/HOST:6379/,
  ],
  'a store outlives the process': ['store-memory', /^:1:8: store.url: sqlite: must name a file/],
  'sentinels know a master by name': [
    'sentinel-without-name',
    /store.url: .*write redis-sentinel:\/\/A,B,C\/NAME/,
  ],
  'a Cluster has no databases': ['cluster-with-database', /store.url: a Cluster has no databases/],
  'several servers are sentinels or a Cluster': ['several-servers', /takes one server; write redis-sentinel/],
  'a password is for Redis': ['sqlite-with-password', /^:3:13: store.password: is for Redis/],
  'a password is written once': ['password-twice', /^:3:13: store.password: stands in the URL too/],
  'TLS needs the key too': ['tls-no-key', /tls.key: is missing; write the path/],
  "TLS needs the certificate's own key": [
    'tls-wrong-key',
    /^:3:8: tls.key: does not belong to the certificate/,
  ],
  'a key is no certificate': ['tls-key-for-cert', /^:2:9: tls.cert: holds no readable PEM certificate/],
  'a certificate file must be there': [
    'tls-file-missing',
    /^:2:9: tls.cert: cannot read .*\/nowhere\/tls.crt.*no such file/,
  ],
  // secrets
  'Redis needs a sealing key, and is told how to make one': [
    'redis-without-key',
    /keys.encryptionKey: .*openssl rand -base64 32.*TOLLGATE_KEYS_ENCRYPTION_KEY/,
  ],
  'a secret is written or read from a file, not both': [
    'secret-and-file',
    /^:4:17: store.passwordFile: .*keep one/,
  ],
  "a secret's file must be there": [
    'secret-file-missing',
    /^:3:17: store.passwordFile: cannot read password.*no such file/,
  ],
  'a placeholder is no sealing key, though it has 32 bytes': [
    'key-is-placeholder',
    /keys.encryptionKey: is the placeholder of an example, .*openssl rand -base64 32/,
  ],
  'a sealing key has 32 bytes': [
    'key-too-short',
    /^:2:18: keys.encryptionKey: .*not shown.*openssl rand -base64 32/,
  ],
  'a signing key fits the algorithm': ['signing-key-algorithm', /keys.signingKeys: holds no RS256 key/],
  'a signing key is a private key': [
    'signing-key-is-none',
    /keys.signingKeys: item 1: holds no usable signing key.*openssl genpkey/,
  ],
  'a client secret cannot be guessed': [
    'client-secret-short',
    /^:4:15: oauth.clients\[0\].secret: has fewer than 16 characters.*openssl rand/,
  ],
  'a client has a secret': ['client-without-secret', /^:3:7: oauth.clients\[0\].secret: is missing/],
  // identity and issuers
  'an issuer is a URL': ['issuer-not-a-url', /^:1:9: issuer: "api.example.com" is not an http/],
  'an issuer has one org or a list of orgs': [
    'issuer-org-and-orgs',
    /^:6:5: issuers\[0\].orgs: means nothing beside fixedOrg/,
  ],
  "an issuer's keys serve for a minute at least": [
    'issuer-stale-keys',
    /^:6:19: issuers\[0\].staleKeysMax: .*from 1m to 30d/,
  ],
  'an issuer gets no scope of Tollgate by its prefix': [
    'issuer-own-scopes',
    /^:6:18: issuers\[0\].scopePrefix: must not begin with tollgate:/,
  ],
  'introspection proves who asks with a secret, unless a method says otherwise': [
    'introspection-without-secret',
    /issuers\[0\].introspection.clientSecret: is missing, and method: basic needs it/,
  ],
  'or with a key': [
    'introspection-without-key',
    /issuers\[0\].introspection.key: is missing, and method: private_key_jwt needs it/,
  ],
  'but not with both': [
    'introspection-secret-and-key',
    /^:9:\d+: issuers\[0\].introspection.clientSecret: means nothing with method: private_key_jwt/,
  ],
  'introspection knows three ways to prove who asks': [
    'introspection-method',
    /^:8:15: issuers\[0\].introspection.method: "none" is not known here; write one of basic, post, private_key_jwt/,
  ],
  'an issuer that is asked has no keys': [
    'introspection-with-jwks',
    /^:5:11: issuers\[0\].jwks: means nothing beside introspection.*keep one of them/,
  ],
  'a token that is asked about is remembered for a minute at most': [
    'introspection-cache',
    /^:9:17: issuers\[0\].introspection.cacheTtl: .*from 0s to 60s/,
  ],
  'an opaque token has one issuer that is asked': [
    'introspection-two-without-prefix',
    /issuers\[1\].introspection.tokenPrefix: is missing here and in issuers\[0\]/,
  ],
  'and its prefix says which': [
    'introspection-prefix-in-prefix',
    /issuers\[1\].introspection.tokenPrefix: begins like that of issuers\[0\]/,
  ],
  'an issuer is listed once': ['issuer-twice', /^:3:15: issuers\[1\].issuer: is also issuers\[0\]/],
  'an issuer with a query cannot be asked for its metadata': [
    'issuer-query',
    /^:2:15: issuers\[0\].issuer: has a \?query.*write the URL of its keys in `jwks`/,
  ],
  'Tollgate is not its own foreign issuer': [
    'issuer-is-ours',
    /^:3:15: issuers\[0\].issuer: is Tollgate itself/,
  ],
  'a foreign issuer signs with a key pair': [
    'issuer-symmetric',
    /issuers\[0\].algorithms: item 1: "HS256" is not known/,
  ],
  'an identity header is not one of HTTP': [
    'header-reserved',
    /identity.headers.Host: has a meaning of its own/,
  ],
  'an identity header stands once, however it is spelt': [
    'header-twice',
    /headers.x_user: is the same header as X-User/,
  ],
  'an identity header carries a known field': [
    'header-field',
    /headers.X-User: "user.mail" is not known here; write one of jwt, user.id/,
  ],
  'a credential does not come in an identity header': [
    'credential-header-is-identity',
    /credential.headers: X-Identity-Token is an identity header/,
  ],
  'a header that is stripped has no meaning of its own': [
    'strip-reserved',
    /identity.strip: X-Forwarded-For has a meaning of its own/,
  ],
  'what is kept is stripped by default, and by nothing else': [
    'keep-needless',
    /identity.keep\[0\]: X-Custom is not stripped by default/,
    /identity.keep\[1\]: Authorization has a meaning of its own/,
    /identity.keep\[2\]: X-Identity-User is in identity.headers/,
  ],
  'a credential does not come in a stripped header': [
    'strip-is-credential',
    /identity.strip: x_api_key carries the credential/,
  ],
  'an identity JWT outlives the cache': [
    'jwt-shorter-than-cache',
    /identity.jwtLifetime: must be at least twice/,
  ],
  // values
  'a duration has a unit': [
    'duration-without-unit',
    /^:2:17: feed.maxStaleness: "ten seconds" is not a duration; write .*such as .*s/,
  ],
  'a duration has bounds': [
    'duration-too-long',
    /^:2:16: cache.identityTtl: 10m is out of range; write .*from 0s to 60s/,
  ],
  'a size has a unit': [
    'size',
    /^:2:19: limits.headerBytesMax: "16 kilos" is not a size; write .*such as .*KB/,
  ],
  'a count is a number': ['count', /^:2:15: limits.headersMax: "many" is not a whole number from 10 to 2000/],
  'yes is not true': ['not-true-or-false', /^:2:12: oauth.enabled: "yes" is not true or false/],
  'a choice is one of those named': [
    'choice',
    /^:2:10: log.level: "verbose".*debug, info, warn, error, silent/,
  ],
  'each wrong item of a list is named': [
    'cidr',
    /trustedProxies: item 2: "300.0.0.1" is not an address range/,
  ],
  // upstreams: numbers 8 and 9
  'an address of an upstream is no name': [
    'upstream-addresses-name',
    /^:3:\d+: upstream.addresses: item 2: "api2.internal:8081" is a name; write its address, or the name in `url`/,
  ],
  'an address of an upstream is listed once': [
    'upstream-addresses-twice',
    /^:3:\d+: upstream.addresses: has 10.0.0.7 port 8081 twice/,
  ],
  'none of its addresses leads back to Tollgate': [
    'upstream-addresses-listen',
    /^:4:\d+: upstream.addresses: "127.0.0.1:8080" is Tollgate itself \(`listen`\)/,
  ],
  'a unix socket has no other address': [
    'upstream-addresses-socket',
    /^:3:\d+: upstream.addresses: means nothing beside a unix socket/,
  ],
  'a connection that is not kept has one request': [
    'upstream-keep-alive-off',
    /^:3:29: upstream.requestsPerConnectionMax: means nothing with keepAlive: false/,
  ],
  'a connection may grow a second old': [
    'upstream-age',
    /^:2:21: upstream.connectionAgeMax: 0s is out of range; write a duration from 1s to 30d.*, or never/,
  ],
  'a client certificate that expired': [
    'upstream-client-expired',
    /^:4:11: upstream.clientCertificate.cert: expired on 20\d\d-\d\d-\d\d, so the upstream would refuse it/,
  ],
  'a client certificate has its own key': [
    'upstream-client-key',
    /^:6:12: upstreams.reports.clientCertificate.key: does not belong to the certificate/,
  ],
  'a client certificate that TLS would not take': [
    'upstream-client-weak',
    /^:4:11: upstream.clientCertificate.cert: is refused by OpenSSL, perhaps for a short key/,
  ],
  'a client certificate needs TLS to be shown': [
    'upstream-client-plain',
    /^:4:11: upstream.clientCertificate.cert: is shown to https upstreams alone/,
  ],
  'a probe has a path without blanks': [
    'upstream-probe-path',
    /^:2:20: upstream.health.probe.path: "\/health z" is not a path/,
  ],
  'a status that says that an API failed is one of 500 to 599': [
    'upstream-failure-status',
    /^:3:\d+: upstream.health.failureStatuses: item 1: 404 is not a whole number from 500 to 599/,
  ],
  'readiness asks for an upstream there is': [
    'ready-unknown',
    /^:1:\d+: ready.requireUpstream: "reprots" is no upstream; did you mean reports\?/,
  ],
  'readiness asks for an upstream that is probed': [
    'ready-without-probe',
    /^:2:\d+: ready.requireUpstream: names "default", which has no health.probe.*write upstream.health.probe: \/healthz/,
  ],
  // routes
  'a route has a name': ['route-no-name', /^:2:5: routes\[0\].name: is missing/],
  "a route's name is its own": ['route-name-twice', /^:3:13: routes\[1\].name: .*routes\[0\]/],
  '11: an origin has a scheme and no path, and is of one host or of its subdomains': [
    'cors-origins',
    /^:2:\d+: cors.origins: item 1: has more than scheme, host and port; write https:\/\/app\.example\.com; item 2: "app\.example\.com" is not an http or https URL; .*item 3: "null" is what any page.*item 4: https:\/\/\*\.com is for a whole top-level domain; .*item 5: "https:\/\/a\.\*\.example\.com" is not an origin; .*item 6: "ftp:\/\/a\.example" is not/,
    /^:4:\d+: routes\[0\].cors.origins: item 1: "https:\/\/\*\.example\.com\?.*" is not an origin/,
    /^:4:\d+: routes\[0\].cors.methods: item 1: CONNECT/,
  ],
  '11: not every page may read with the cookies of whoever looks at it': [
    'cors-credentials',
    /^:1:\d+: cors.credentials: would let every page/,
    /^:6:\d+: routes\[0\].cors.credentials: would let every page/,
  ],
  '13: an origin of pages has no path, and is not every page; a subprotocol ends with a dot': [
    'credential-origins',
    /^:2:\d+: credential.cookieOrigins: item 1: has more than scheme.*item 2: "\*" is not an origin/,
    /^:3:\d+: credential.webSocketProtocol: "bearer" is not the beginning of a subprotocol; write e\.g\. bearer\./,
    /^:4:\d+: credential.basic: "maybe" is not true or false/,
  ],
  '14: a network has no bits behind its prefix, no name, and is no unix socket': [
    'route-allow-from-bits',
    /^:5:\d+: routes\[0\].allowFrom: item 1: "10\.1\.2\.3\/8" is not a network; write 10\.0\.0\.0\/8.*item 2: "example.com".*item 3: "unix"/,
  ],
  '14: an empty list of networks would let nobody in': [
    'route-allow-from-empty',
    /^:5:\d+: routes\[0\].allowFrom: is an empty list; write a list, e\.g\. \[10\.0\.0\.0\/8/,
  ],
  '14: a rule for the addresses of proxies would let in whomever they hide': [
    'route-allow-from-proxies',
    /^:6:\d+: routes\[0\].allowFrom: 10\.1\.0\.0\/16 lies in trustedProxies, .*narrow trustedProxies to the proxies/,
  ],
  'a route says who may call it': [
    'route-asks-nothing',
    /^:2:5: routes\[0\].scopes: .*scopes: \[\] for any valid credential, or public: true/,
  ],
  'a public route asks for no scopes': [
    'route-public-with-scopes',
    /^:5:5: routes\[0\].scopes: a public route/,
  ],
  'two routes do not cover the same requests': [
    'route-same-requests',
    /^:3:24: routes\[1\].path: GET \/things\/:name is what routes\[0\] covers too/,
  ],
  'a path begins with a slash': ['route-path-relative', /routes\[0\].path: "things" is not a path/],
  'a * stands at the end': ['route-path-star-inside', /routes\[0\].path: .*only at the end/],
  'a ** is told to be one *': [
    'route-path-two-stars',
    /routes\[0\].path: "\/a\/\*\*": .*; write \/\* or name/,
  ],
  'a parameter is a whole segment': ['route-path-half-parameter', /routes\[0\].path: .*a whole segment/],
  'a path has no dot segments': ['route-path-dots', /routes\[0\].path: .*never reaches the router/],
  'a path is written decoded': ['route-path-encoded', /routes\[0\].path: .*plain ASCII/],
  'a path has no query': ['route-path-query', /routes\[0\].path: .*without \? and #/],
  'a method is one of HTTP': ['route-method', /routes\[0\].methods: item 1: "GRAB" is no HTTP method/],
  'CONNECT is never forwarded': ['route-connect', /routes\[0\].methods: item 1: CONNECT opens a tunnel/],
  'a route with methods has one': ['route-no-methods', /routes\[0\].methods: is an empty list/],
  'a scope has no blanks': [
    'route-scope-with-blank',
    /routes\[0\].scopes: item 1: "things read" is not a scope/,
  ],
  'two scopes are two items': ['route-scopes-in-one', /routes\[0\].scopes: item 1: has a comma/],
  'a route goes to an upstream there is': [
    'route-upstream-unknown',
    /^:4:38: routes\[0\].upstream: .*did you mean reports\?/,
  ],
  'a tenant is a parameter of the path': [
    'route-tenant-unknown',
    /^:2:55: routes\[0\].tenant: .*did you mean account\?/,
  ],
  'a public route compares no org': [
    'route-public-tenant',
    /routes\[0\].tenant: a public route compares no org/,
  ],
  'a route cannot have a token endpoint': [
    'route-takes-token-endpoint',
    /\/oauth2\/token is answered by Tollgate itself/,
  ],
  'a route cannot lie under the prefix of the token endpoints': [
    'route-under-prefix',
    /\/auth\/\* is answered by Tollgate itself/,
  ],
  'nor where the token endpoints are off: the API verifies X-Identity with them': [
    'route-takes-identity-keys',
    /jwks.json is answered by Tollgate itself.*X-Identity is verified with are published there: remove the route/,
  ],
  'a route cannot have the published keys': ['route-takes-jwks', /jwks.json is answered by Tollgate itself/],
};

for (const [sentence, [name, ...told]] of Object.entries(table))
  t.test(sentence, async (t) => {
    const file = join(folder, `${name}.yaml`);
    const loaded = loadSettings({ file, env: {}, flags: {} });
    if (loaded.ok) return void t.fail('was accepted');
    const lines = loaded.problems.map((problem) => issueLine(problem).replace(file, ''));
    t.equal(lines.length, told.length, `says it once: ${lines.join('\n')}`);
    for (const [index, pattern] of told.entries()) t.match(lines[index], pattern);
    t.notMatch(lines.join('\n'), /s3cr3t/, 'shows no secret');
    for (const problem of loaded.problems) {
      t.equal(problem.file, file, 'names the file');
      t.ok(problem.line, 'names the line');
    }
    return;
  });

t.test('every bad file is in the table', async (t) => {
  const named = Object.values(table).map(([name]) => `${name}.yaml`);
  t.same(
    readdirSync(folder)
      .map((file) => basename(file))
      .toSorted(),
    named.toSorted(),
  );
});

t.test('all problems are told at once, in the order of the file', async (t) => {
  const file = join(
    t.testdir({ 'all.yaml': 'ops: nowhere\nlisten: nowhere\nroutes:\n  - { path: x }\nlog: { level: x }\n' }),
    'all.yaml',
  );
  const loaded = loadSettings({ file, env: { TOLLGATE_CACHE_IDENTITY_TTL: 'x' }, flags: { upstream: 'x' } });
  t.equal(loaded.ok, false);
  t.same(loaded.ok || loaded.problems.map(({ path, line }) => [path, line]), [
    ['ops', 1],
    ['listen', 2],
    ['routes[0].name', 4],
    ['routes[0].path', 4],
    ['log.level', 5],
    ['upstream.url', undefined],
    ['cache.identityTtl', undefined],
  ]);
});

t.test('a fault is not followed by others that are only its echo', async (t) => {
  const told = (text: string): unknown => {
    const file = join(t.testdir({ 'a.yaml': text }), 'a.yaml');
    const loaded = loadSettings({ file, env: {}, flags: {} });
    return loaded.ok || loaded.problems.map(({ path }) => path);
  };
  t.same(
    told('store: { url: "redis://:pw", password: x }'),
    ['store.url'],
    'nor that a password is for Redis',
  );
  t.same(
    told('store: redis://r\nkeys: { encryptionKey: x }'),
    ['keys.encryptionKey'],
    'nor that one is needed',
  );
  t.same(
    told('routes: [{ name: a, path: /a, scopes: "a b" }]'),
    ['routes[0].scopes'],
    'nor that there are none',
  );
  t.same(
    told('upstreams: { b: nowhere }\nroutes: [{ name: a, path: /a, scopes: [], upstream: b }]'),
    ['upstreams.b.url'],
    'nor that there is no such upstream',
  );
  t.same(told('tls: { cert: /nowhere, key: /nowhere }'), ['tls.cert', 'tls.key'], 'nor that they do not fit');
});

t.test('a route is named by its place in the file, though one before it is faulty', async (t) => {
  const text = 'routes:\n  - { path: x }\n  - { name: b, path: /b }\n  - { name: c, path: /b, scopes: [] }\n';
  const loaded = loadSettings({ file: join(t.testdir({ 'a.yaml': text }), 'a.yaml'), env: {}, flags: {} });
  t.match(loaded.ok || loaded.problems.map(issueLine), [
    /:2:5: routes\[0\].name/,
    /:2:13: routes\[0\].path/,
    /:3:5: routes\[1\].scopes/,
    /:4:22: routes\[2\].path: GET \/b is what routes\[1\] covers too/,
  ]);
});

t.test('a file that is not there is named, with how to name another', async (t) => {
  const loaded = loadSettings({ file: '/nowhere/tollgate.yaml', env: {}, flags: {} });
  t.match(loaded.ok || loaded.problems.map(issueLine), [/\/nowhere\/tollgate.yaml.*no such file.*--config/]);
});

t.test('a file larger than a megabyte is not read as settings', async (t) => {
  const file = join(t.testdir({ 'big.yaml': `# ${'x'.repeat(1024 * 1024)}\n` }), 'big.yaml');
  const loaded = loadSettings({ file, env: {}, flags: {} });
  t.match(loaded.ok || loaded.problems.map(issueLine), [/is larger than 1048576 bytes/]);
});

t.test('a key named __proto__ is an unknown key like any other', async (t) => {
  const file = join(t.testdir({ 'proto.yaml': 'cache:\n  __proto__: { identityTtl: 1s }\n' }), 'proto.yaml');
  const loaded = loadSettings({ file, env: {}, flags: {} });
  t.match(loaded.ok || loaded.problems.map(issueLine), [
    /cache.__proto__: there is no setting "__proto__" here/,
  ]);
});
