// What one client sends and writes down. Administrators sign in when they have to; their sign-ins, and whether their
// sessions were accepted, are part of the history like everything else.

import type { AccountName, Action, Credential, Operation } from './history.ts';
import type { Pool } from './pool.ts';
import type { Replica } from './replica.ts';
import { type Answered, type Request, send } from './request.ts';
import { administratorOf, orgOf, passwordOf, userOf } from './tenants.ts';

export interface Run {
  readonly replicas: readonly Replica[];
  readonly pool: Pool;
  readonly operations: Operation[];
}

export interface Command {
  readonly answered: Answered;
  /** The session it was given in. */
  readonly actor: string;
}

export class Recorder {
  readonly #run: Run;
  /** Sessions of administrators by organization. */
  readonly #sessions = new Map<string, Credential>();
  operationId = '';
  #requests = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** The requests that follow belong to this operation of the plan. */
  begin(operationId: string): void {
    this.operationId = operationId;
    this.#requests = 0;
  }

  async send(replica: Replica, request: Omit<Request, 'id'>): Promise<Answered> {
    this.#requests += 1;
    return send(replica, { ...request, id: `${this.operationId}.${this.#requests}` });
  }

  note(answered: Answered, action: Action, actor?: string): void {
    const { body: _, ...performed } = answered;
    this.#run.operations.push({ ...performed, ...action, actor });
  }

  /** Gives a command in the session of an organization's administrator; undefined when there is none to be had now. */
  async command(
    replica: Replica,
    org: string,
    request: Omit<Request, 'id' | 'credential'>,
  ): Promise<Command | undefined> {
    const session = this.#sessions.get(org) ?? (await this.#signIn(replica, org));
    if (session === undefined) return undefined;
    const credential = this.#run.pool.value(session.id);
    const answered = await this.send(replica, { ...request, credential });
    const { outcome } = answered;
    if (outcome.kind === 'refused' && outcome.status === 401) this.#sessions.delete(org);
    return { answered, actor: session.id };
  }

  /** The secret that an answer of the management surface hands out; its name. */
  madeSecret(
    answered: Answered,
    facts: { readonly account: AccountName; readonly canWrite: boolean; readonly bornFromMs: number },
  ): string | undefined {
    const { id: token, secretNumber, secret } = answered.body;
    if (typeof token !== 'string' || typeof secretNumber !== 'number') return undefined;
    const id = `secret-${answered.id}`;
    const bornByMs = answered.completedMs;
    this.#run.pool.add(
      { kind: 'secret', id, token, number: secretNumber, bornByMs, ...facts },
      String(secret),
    );
    return id;
  }

  madeSession(
    answered: Answered,
    value: unknown,
    facts: { readonly account: AccountName; readonly canWrite: boolean; readonly parent: string | undefined },
  ): string | undefined {
    if (typeof value !== 'string') return undefined;
    const id = `session-${answered.id}`;
    const { invokedMs: bornFromMs, completedMs: bornByMs } = answered;
    this.#run.pool.add({ kind: 'session', id, bornFromMs, bornByMs, ...facts }, value);
    return id;
  }

  async #signIn(replica: Replica, org: string): Promise<Credential | undefined> {
    const account = administratorOf(org);
    const answered = await this.send(replica, {
      method: 'POST',
      path: '/tollgate/v1/sessions',
      credential: undefined,
      json: { org: orgOf(account), user: userOf(account), password: passwordOf(account) },
    });
    const facts = { account, canWrite: true, parent: undefined };
    const made = this.madeSession(answered, answered.body['accessToken'], facts);
    this.note(answered, { kind: 'sign-in', account, made });
    const session = made === undefined ? undefined : this.#run.pool.credentials.get(made);
    if (session !== undefined) this.#sessions.set(org, session);
    return session;
  }
}
