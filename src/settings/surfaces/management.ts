// Our own REST API. All below its prefix is its own, so that no password of a mistyped path reaches the API.

import { describeSurface, prefix, surfaceGroup } from '../surface-descriptor.ts';

export const management = describeSurface({
  name: 'management',
  fields: surfaceGroup('Our own REST API for sign-in, API tokens, users, organizations and the audit.', {
    prefix: prefix('/tollgate/v1', 'Path before /sessions and the others; everything below it is taken.'),
  }),
  paths: (prefix) => ({
    openapi: `${prefix}/openapi.json`,
    problem: `${prefix}/problems/{code}`,
    sessions: `${prefix}/sessions`,
    currentSession: `${prefix}/sessions/current`,
    tokenDetails: `${prefix}/api-tokens/details`,
    orgTokens: `${prefix}/orgs/{org}/api-tokens`,
    userTokens: `${prefix}/orgs/{org}/users/{user}/api-tokens`,
    token: `${prefix}/orgs/{org}/api-tokens/{tokenId}`,
    regenerate: `${prefix}/orgs/{org}/api-tokens/{tokenId}/regenerate`,
    tokenUsage: `${prefix}/orgs/{org}/api-tokens/{tokenId}/usage`,
    userUsage: `${prefix}/orgs/{org}/users/{user}/usage`,
    orgUsage: `${prefix}/orgs/{org}/usage`,
    revokeMine: `${prefix}/revoke-all`,
    revokeUser: `${prefix}/orgs/{org}/users/{user}/revoke-all`,
    revokeOrg: `${prefix}/orgs/{org}/revoke-all`,
    users: `${prefix}/orgs/{org}/users`,
    user: `${prefix}/orgs/{org}/users/{user}`,
    password: `${prefix}/orgs/{org}/users/{user}/password`,
    grantable: `${prefix}/orgs/{org}/users/{user}/grantable`,
    userSessions: `${prefix}/orgs/{org}/users/{user}/sessions`,
    email: `${prefix}/orgs/{org}/users/{user}/email`,
    roles: `${prefix}/orgs/{org}/roles`,
    role: `${prefix}/orgs/{org}/roles/{role}`,
    orgs: `${prefix}/orgs`,
    org: `${prefix}/orgs/{org}`,
    audit: `${prefix}/orgs/{org}/audit`,
    auditOfAll: `${prefix}/audit`,
    keys: `${prefix}/keys`,
    rotateKeys: `${prefix}/keys/rotate`,
    status: `${prefix}/status`,
    elsewhere: `${prefix}/*`,
  }),
  makesOpenidTokens: true,
});

export type ManagementPaths = ReturnType<typeof management.paths>;
