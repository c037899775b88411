// `tollgate org`: tenants.

import type { AccountState, OrgRecord } from '../store/records.ts';
import { group } from './command.ts';
import { isoTime, lifetime, listing, pairs, table, time } from './output.ts';
import { argument, collectRoles, option, optionRead, readLifetime, readReminders } from './parameters.ts';
import { readAll, type Session, storeCommand, withAudit } from './store-command.ts';

const orgJson = (org: OrgRecord): object => ({
  id: org.id,
  name: org.name,
  state: org.state,
  roles: org.roles,
  tokenLifetimeMsMax: org.tokenLifetimeMsMax,
  reminderThresholdsMs: org.reminderThresholdsMs,
  createdAt: isoTime(org.createdAtMs),
});

const remindersOf = ({ reminderThresholdsMs: beforeMs }: OrgRecord): string => {
  if (beforeMs === undefined) return 'as the settings say';
  return beforeMs.length === 0 ? 'none' : `${beforeMs.map(lifetime).join(', ')} before an API token expires`;
};

const printOrg = (org: OrgRecord, { output }: Session): void => {
  output.line(
    pairs([
      ['org', org.id],
      ['name', org.name],
      ['state', org.state],
      ['longest API token', lifetime(org.tokenLifetimeMsMax)],
      ['reminders', remindersOf(org)],
      ['created', time(org.createdAtMs)],
    ]),
  );
  const roles = Object.entries(org.roles).map(([role, scopes]) => [role, scopes.join(' ')]);
  if (roles.length > 0) output.line(`\n${table(['ROLE', 'SCOPES'], roles)}`);
};

const orgCreate = storeCommand({
  name: 'create',
  description: 'make an org',
  takes: {
    id: argument('<ID>', 'its id, which never changes'),
    name: option('--name <NAME>', 'its name for people; the id unless given'),
    roles: optionRead('--role <ROLE=SCOPES>', 'a role and its scopes; repeatable', collectRoles),
    lifetimeMax: optionRead(
      '--token-lifetime-max <DURATION>',
      'longest life of its API tokens, e.g. 90d',
      readLifetime,
    ),
  },
  help: '\nExample:\n  tollgate org create acme --name "Acme Ltd" --role "reader=things:read" --role "admin=things:read things:write"',
  beginsStore: true,
  run: ({ id, name, roles = {}, lifetimeMax }, session) =>
    withAudit(session, 'org.create', { org: id }, () =>
      session.accounts.createOrg({
        id,
        name,
        roles,
        tokenLifetimeMsMax: lifetimeMax === 'never' ? undefined : lifetimeMax,
      }),
    ),
  json: orgJson,
  print: printOrg,
});

const orgList = storeCommand({
  name: 'list',
  description: 'all orgs',
  takes: {},
  run: (_, { accounts }) => readAll((page) => accounts.listOrgs(page)),
  json: (orgs) => orgs.map(orgJson),
  print: (orgs, { output }) =>
    listing(
      output,
      ['ID', 'NAME', 'STATE', 'ROLES', 'CREATED'],
      orgs.map(({ id, name, state, roles, createdAtMs }) => [
        id,
        name,
        state,
        String(Object.keys(roles).length),
        time(createdAtMs),
      ]),
      'There is no org yet. Make one: tollgate org create acme --role "reader=things:read"',
    ),
});

const orgShow = storeCommand({
  name: 'show',
  description: 'one org with its roles',
  takes: { id: argument('<ID>') },
  run: ({ id }, { accounts }) => accounts.findOrg(id),
  json: orgJson,
  print: printOrg,
});

const orgUpdate = storeCommand({
  name: 'update',
  description: 'change the name, the longest life of API tokens, or the reminders',
  takes: {
    id: argument('<ID>'),
    name: option('--name <NAME>', 'its name for people'),
    lifetimeMax: optionRead(
      '--token-lifetime-max <DURATION>',
      'longest life of its API tokens, e.g. 90d; never: no limit',
      readLifetime,
    ),
    reminders: optionRead(
      '--remind-before <DURATIONS>',
      'how long before they expire users are reminded of API tokens, e.g. 14d,3d,1d; none; default: as the settings say',
      readReminders,
    ),
  },
  usageError: ({ name, lifetimeMax, reminders }) =>
    name === undefined && lifetimeMax === undefined && reminders === undefined
      ? 'give --name, --token-lifetime-max, --remind-before or several of them'
      : undefined,
  run: ({ id, name, lifetimeMax, reminders }, session) =>
    withAudit(session, 'org.change', { org: id }, () =>
      session.accounts.changeOrg(id, {
        name,
        tokenLifetimeMsMax: lifetimeMax === 'never' ? null : lifetimeMax,
        reminderThresholdsMs: reminders === 'default' ? null : reminders,
      }),
    ),
  json: orgJson,
  print: printOrg,
});

const orgDelete = storeCommand({
  name: 'delete',
  description: 'end every API token and session of all its users, and delete it and them, for good',
  takes: { id: argument('<ID>') },
  help: '\nWhat its users did stays in `tollgate audit`. After an outage run it again: it goes on where it was.',
  run: ({ id }, session) =>
    withAudit(session, 'org.delete', { org: id }, () => session.accounts.deleteOrg(id)),
  json: (result, _, { id }) => ({ org: id, result }),
  print: (_, { output }, { id }) =>
    output.line(`${id} is deleted, with its users. Their API tokens and sessions have ended.`),
});

const orgState = (name: 'disable' | 'enable', state: AccountState, description: string) =>
  storeCommand({
    name,
    description,
    takes: { id: argument('<ID>') },
    run: ({ id }, session) =>
      withAudit(session, `org.${name}`, { org: id }, () => session.accounts.setOrgState(id, state)),
    json: orgJson,
    print: printOrg,
  });

const orgRevokeAll = storeCommand({
  name: 'revoke-all',
  description: 'end every API token and session of all its users, for good',
  takes: { id: argument('<ID>') },
  run: ({ id }, session) =>
    withAudit(session, 'token.revoke_all', { org: id }, () => session.apiTokens.revokeAll(id, undefined)),
  json: (result, _, { id }) => ({ org: id, result }),
  print: (_, { output }, { id }) => output.line(`Every API token and session of ${id} is revoked.`),
});

export const orgCommands = group('org', 'tenants: every user and API token belongs to one', [
  orgCreate,
  orgList,
  orgShow,
  orgUpdate,
  orgState('disable', 'disabled', 'refuse all its tokens and end its sessions, until it is enabled again'),
  orgState('enable', 'active', 'accept its API tokens again'),
  orgRevokeAll,
  orgDelete,
]);
