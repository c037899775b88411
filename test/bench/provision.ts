// An org, a user and as many API tokens as the bench needs, made by the same code the command line uses.

import { openStore } from '../../src/store/open-store.ts';
import { Accounts } from '../../src/lifecycle/accounts.ts';
import { ApiTokens } from '../../src/lifecycle/api-tokens.ts';
import { isFailure } from '../../src/lifecycle/command-error.ts';
import type { Settings } from '../../src/settings/settings.ts';

const done = <T>(answer: T): T => {
  if (isFailure(answer)) throw new Error(JSON.stringify(answer));
  return answer;
};

const tokensPerUser = 100;

/** Creates org `acme`, role `reader`, users `user-0...`; returns `count` secrets, or what could be made in `timeMs`. */
export const provision = async (
  settings: Settings,
  count: number,
  timeMs: number,
): Promise<readonly string[]> => {
  const untilMs = performance.now() + timeMs;
  const store = await openStore(settings.store, { retentionMs: 3_600_000 });
  const now = Date.now;
  const accounts = new Accounts({ store, now });
  const tokens = new ApiTokens({ store, settings, now });
  done(
    await accounts.createOrg({
      id: 'acme',
      name: 'Acme',
      roles: { reader: ['things:read'] },
      tokenLifetimeMsMax: undefined,
    }),
  );
  const secrets: string[] = [];
  const makeUser = async (index: number): Promise<void> => {
    const userId = `user-${index}`;
    done(await accounts.createUser({ orgId: 'acme', id: userId, name: undefined, roles: ['reader'] }));
    for (let made = 0; made < tokensPerUser && secrets.length < count; made += 1) {
      const { secret } = done(
        await tokens.createApiToken({
          orgId: 'acme',
          userId,
          name: `token ${made}`,
          scopes: 'all',
          lifetimeMs: undefined,
          length: 65,
        }),
      ) as { secret: string };
      secrets.push(secret);
    }
  };
  let next = 0;
  const users = Math.ceil(count / tokensPerUser);
  const worker = async (): Promise<void> => {
    while (next < users && performance.now() < untilMs) await makeUser(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  await store.close();
  return secrets.slice(0, count);
};
