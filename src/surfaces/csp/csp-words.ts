// Words of the csp dialect that more than one endpoint says.

/** A general scope: an ID token comes with each exchange. */
export const openIdScope = 'openid';

/** A general scope: whatever the user's roles grant, which the vendor shows as "All Roles". */
export const allPermissionsScope = 'ALL_PERMISSIONS';

/** Said in `scope` of every access token. */
export const customerNumberScope = 'customer_number';

/** Where a token never expires, a time far beyond any: clients compare a number. Seconds since the epoch, year 9999. */
export const neverSeconds = 253_402_300_799;
