// Carries out the operations of a plan against the replicas and writes each down.

import type { AccountName, Action, Credential, Outcome } from './history.ts';
import { pause } from './pause.ts';
import type { Intent } from './plan.ts';
import { Recorder, type Run } from './recorder.ts';
import type { Replica } from './replica.ts';
import { type Answered, revokePath } from './request.ts';
import { accounts, orgOf, roleSets, userOf } from './tenants.ts';

/** How long the old secret of a regeneration lives on. */
const overlapsMs = [2_000, 1_800_000];

/** A watched revocation is not waited for longer: the judge has seen enough. */
const watchMs = 5_000;

/** One of the clients of a run: works through intents one at a time, with administrators' sessions of its own. */
export class Client {
  readonly #run: Run;
  readonly #recorder: Recorder;

  constructor(run: Run) {
    this.#run = run;
    this.#recorder = new Recorder(run);
  }

  /** What follows belongs to this operation of the plan. */
  begin(id: string): void {
    this.#recorder.begin(id);
  }

  async perform(id: string, intent: Intent): Promise<void> {
    this.begin(id);
    const replica = this.#run.replicas[Math.floor(intent.replica * this.#run.replicas.length)]!;
    const account = accounts[Math.floor(intent.account * accounts.length)]!;
    const picked = (kind: 'secret' | 'session' | 'any'): Credential | undefined =>
      this.#run.pool.pick(kind, intent.among, intent.pick);
    switch (intent.kind) {
      case 'create':
        return this.#create(replica, account, intent);
      case 'exchange':
        return this.exchange(replica, picked('secret'));
      case 'use':
        return void (await this.use(replica, picked('any'), intent.needs));
      case 'revoke-token':
        return this.#revokeToken(replica, picked('secret'));
      case 'revoke-secret':
        return void (await this.#revokeCredential(replica, picked('secret')));
      case 'revoke-session':
        return void (await this.#revokeCredential(replica, picked('session')));
      case 'revoke-watched':
        return this.#revokeWatched(replica, picked('any'));
      case 'revoke-user':
        return this.#revokeAll(replica, orgOf(account), userOf(account));
      case 'revoke-org':
        return this.#revokeAll(replica, orgOf(account), undefined);
      case 'regenerate':
      case 'regenerate-overlap':
        return this.#regenerate(replica, picked('secret'), intent);
      case 'narrow':
      case 'widen':
        return this.#change(replica, {
          kind: 'set-roles',
          account,
          roles: intent.kind === 'narrow' ? 'narrow' : 'wide',
        });
      case 'disable':
      case 'enable':
        return this.#change(replica, {
          kind: 'set-state',
          account,
          state: intent.kind === 'disable' ? 'disabled' : 'active',
        });
    }
  }

  async use(
    replica: Replica,
    credential: Credential | undefined,
    needs: 'read' | 'write',
  ): Promise<Outcome | undefined> {
    if (credential === undefined) return undefined;
    const answered = await this.#recorder.send(replica, {
      method: 'GET',
      path: needs === 'write' ? '/write' : '/things',
      credential: this.#run.pool.value(credential.id),
    });
    this.#recorder.note(answered, { kind: 'use', credential: credential.id, needs });
    return answered.outcome;
  }

  async exchange(replica: Replica, secret: Credential | undefined): Promise<void> {
    if (secret === undefined) return;
    const answered = await this.#recorder.send(replica, {
      method: 'POST',
      path: '/oauth2/token',
      credential: undefined,
      form: { grant_type: 'refresh_token', refresh_token: this.#run.pool.value(secret.id) },
    });
    const { access_token: value, scope } = answered.body;
    const made = this.#recorder.madeSession(answered, value, {
      account: secret.account,
      parent: secret.id,
      canWrite: String(scope).split(' ').includes('things:write'),
    });
    this.#recorder.note(answered, { kind: 'exchange', credential: secret.id, made });
  }

  async #create(replica: Replica, account: AccountName, intent: Intent): Promise<void> {
    const { scopes } = intent;
    await this.#twice(intent, async (key, bornFromMs) => {
      const command = await this.#recorder.command(replica, orgOf(account), {
        method: 'POST',
        path: `${userPath(account)}/api-tokens`,
        json: { name: 'history', lifetime: 'never', scopes: scopes === 'all' ? 'all' : ['things:read'] },
        idempotencyKey: key,
      });
      if (command === undefined) return undefined;
      const { answered, actor } = command;
      const made = this.#recorder.madeSecret(answered, { account, canWrite: scopes === 'all', bornFromMs });
      this.#recorder.note(answered, { kind: 'create', account, scopes, made }, actor);
      return answered;
    });
  }

  async #regenerate(replica: Replica, secret: Credential | undefined, intent: Intent): Promise<void> {
    if (secret?.kind !== 'secret') return;
    const { account, token, canWrite } = secret;
    const hasOverlap = intent.kind === 'regenerate-overlap';
    const overlapMs = hasOverlap ? overlapsMs[Math.floor(intent.account * overlapsMs.length)]! : 0;
    await this.#twice(intent, async (key, bornFromMs) => {
      const command = await this.#recorder.command(replica, orgOf(account), {
        method: 'POST',
        path: `${orgPath(orgOf(account))}/api-tokens/${token}/regenerate`,
        json: hasOverlap ? { overlap: `PT${overlapMs / 1000}S` } : {},
        idempotencyKey: key,
      });
      if (command === undefined) return undefined;
      const { answered, actor } = command;
      const made = this.#recorder.madeSecret(answered, { account, canWrite, bornFromMs });
      this.#recorder.note(answered, { kind: 'regenerate', token, overlapMs, made }, actor);
      if (made !== undefined && !hasOverlap)
        this.#run.pool.bury((other) => this.#tokenOf(other) === token && other.id !== made);
      return answered;
    });
  }

  async #revokeToken(replica: Replica, secret: Credential | undefined): Promise<void> {
    if (secret?.kind !== 'secret') return;
    const { account, token } = secret;
    const command = await this.#recorder.command(replica, orgOf(account), {
      method: 'DELETE',
      path: `${orgPath(orgOf(account))}/api-tokens/${token}`,
    });
    if (command === undefined) return;
    this.#recorder.note(command.answered, { kind: 'revoke-token', token }, command.actor);
    if (command.answered.outcome.kind === 'ok')
      this.#run.pool.bury((other) => this.#tokenOf(other) === token);
  }

  async #revokeCredential(
    replica: Replica,
    credential: Credential | undefined,
  ): Promise<Outcome | undefined> {
    if (credential === undefined) return undefined;
    const answered = await this.#recorder.send(replica, {
      method: 'POST',
      path: revokePath,
      credential: undefined,
      form: { token: this.#run.pool.value(credential.id) },
    });
    this.#recorder.note(answered, { kind: 'revoke-credential', credential: credential.id });
    if (answered.outcome.kind === 'ok')
      this.#run.pool.bury(
        (other) => other.id === credential.id || ('parent' in other && other.parent === credential.id),
      );
    return answered.outcome;
  }

  /** Every replica has it cached when it is revoked; then each is asked until it says something else than `ok`. */
  async #revokeWatched(replica: Replica, credential: Credential | undefined): Promise<void> {
    if (credential === undefined) return;
    for (const each of this.#run.replicas) await this.use(each, credential, 'read');
    const revoked = await this.#revokeCredential(replica, credential);
    if (revoked?.kind !== 'ok') return;
    await Promise.all(
      this.#run.replicas.map(async (each) => {
        const untilMs = performance.now() + watchMs;
        while ((await this.use(each, credential, 'read'))?.kind === 'ok' && performance.now() < untilMs)
          await pause(1);
      }),
    );
  }

  async #revokeAll(replica: Replica, org: string, user: string | undefined): Promise<void> {
    const path =
      user === undefined ? `${orgPath(org)}/revoke-all` : `${userPath(`${org}/${user}`)}/revoke-all`;
    const command = await this.#recorder.command(replica, org, { method: 'POST', path });
    if (command === undefined) return;
    this.#recorder.note(command.answered, { kind: 'revoke-all', org, user }, command.actor);
    if (command.answered.outcome.kind !== 'ok') return;
    this.#run.pool.bury(
      ({ account }) => orgOf(account) === org && (user === undefined || userOf(account) === user),
    );
  }

  async #change(
    replica: Replica,
    action: Extract<Action, { kind: 'set-roles' | 'set-state' }>,
  ): Promise<void> {
    const json = action.kind === 'set-roles' ? { roles: roleSets[action.roles] } : { state: action.state };
    const path = userPath(action.account);
    const command = await this.#recorder.command(replica, orgOf(action.account), {
      method: 'PATCH',
      path,
      json,
    });
    if (command !== undefined) this.#recorder.note(command.answered, action, command.actor);
  }

  /** Gives a command; where its outcome stays unknown, often once more, with the same idempotency key. */
  async #twice(
    { retries }: Intent,
    attempt: (idempotencyKey: string, firstMs: number) => Promise<Answered | undefined>,
  ): Promise<void> {
    const firstMs = performance.now();
    const key = this.#recorder.operationId;
    const answered = await attempt(key, firstMs);
    const isCertain =
      answered === undefined || answered.outcome.kind === 'ok' || answered.outcome.kind === 'refused';
    if (!isCertain && retries) await attempt(key, firstMs);
  }

  /** The token that a secret belongs to, or a session rests on. */
  #tokenOf(credential: Credential): string | undefined {
    if (credential.kind === 'secret') return credential.token;
    const parent =
      credential.parent === undefined ? undefined : this.#run.pool.credentials.get(credential.parent);
    return parent?.kind === 'secret' ? parent.token : undefined;
  }
}

const orgPath = (org: string): string => `/tollgate/v1/orgs/${org}`;
const userPath = (account: AccountName): string => `${orgPath(orgOf(account))}/users/${userOf(account)}`;
