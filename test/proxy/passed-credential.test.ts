import t from 'tap';
import { ownApiToken, ownSession } from '../../src/identity/authenticators.ts';
import { outage } from '../../src/decision/outcome.ts';
import { passedCredential } from '../../src/proxy/passed-credential.ts';
import { anIdentity } from '../support/identity.ts';
import { aRule } from '../support/route-rule.ts';

const exchanging = { accessTokenFor: () => 'an exchanged access token' };
const apiToken = { form: 'opaque', value: 'the API token' } as const;
const accessToken = { form: 'jwt', value: 'a.presented.token' } as const;
const rule = (forwardCredential: 'strip' | 'keep' | 'access-token') => aRule({ forwardCredential });

t.test('what the API gets of the credential is what the route says', async (t) => {
  const rows = [
    ['strip: nothing', 'strip', apiToken, { keepsCredential: false, accessToken: undefined }],
    ['keep: the credential as it came', 'keep', apiToken, { keepsCredential: true, accessToken: undefined }],
    [
      'access-token: an access token in the place of an API token',
      'access-token',
      apiToken,
      { keepsCredential: false, accessToken: 'an exchanged access token' },
    ],
    [
      'access-token: the access token a caller brought, and nothing it sent beside it',
      'access-token',
      accessToken,
      { keepsCredential: false, accessToken: 'a.presented.token' },
    ],
  ] as const;
  for (const [sentence, mode, presented, expected] of rows) {
    const authenticator = presented.form === 'jwt' ? ownSession : ownApiToken;
    const subject = { identity: anIdentity({ authenticator }) };
    t.same(passedCredential(rule(mode), subject, presented, exchanging, 0), expected, sentence);
  }
});

t.test('without a valid credential nothing is exchanged', async (t) => {
  const passed = passedCredential(rule('access-token'), undefined, apiToken, exchanging, 0);
  t.same(passed, { keepsCredential: false, accessToken: undefined });
});

t.test(
  'when there is no key to sign with, the request is refused as an outage, never sent on without',
  async (t) => {
    const broken = { accessTokenFor: () => outage('keys_unavailable') };
    const subject = { identity: anIdentity({ authenticator: ownApiToken }) };
    t.match(passedCredential(rule('access-token'), subject, apiToken, broken, 0), {
      kind: 'outage',
      reason: 'keys_unavailable',
    });
  },
);
