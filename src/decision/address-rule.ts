// Address rules: lists of networks in CIDR notation (RFC 4632, RFC 4291 section 2.3) from which somebody may call. An address that
// cannot be read is in no network. No I/O.

/** Compiled once from the entries of a route, of an API token, or of an access token made from it. */
export interface AddressRule {
  /** As they are written in one form, e.g. `10.0.0.0/8`. */
  readonly entries: readonly string[];
  readonly networks: readonly Network[];
}

interface Network {
  /** As `parseAddress` gives them. */
  readonly groups: readonly number[];
  /** How many leading bits of the 128 count. */
  readonly bits: number;
  /** Of each group, the bits that count. */
  readonly masks: readonly number[];
  /** IPv4 as such: `::/0` is every IPv6 address, and no IPv4 address. */
  readonly isIpv4: boolean;
}

const groupCount = 8;
const ipv4Prefix: readonly number[] = [0, 0, 0, 0, 0, 0xffff];
const ipv4PrefixBits = 96;

/**
 * The eight 16-bit groups of an IP address without a zone; an IPv4 address is the IPv6 address that stands for it (RFC 4291 section
 * 2.5.5.2), so that both spellings are one. Undefined for anything else.
 */
export const parseAddress = (text: string): readonly number[] | undefined => {
  if (!text.includes(':')) {
    const groups = parseIpv4(text);
    return groups === undefined ? undefined : [...ipv4Prefix, ...groups];
  }
  const halves = text.split('::');
  const [head = '', tail] = halves;
  if (halves.length > 2 || (tail !== undefined && head.includes('.'))) return undefined;
  const before = parseGroups(head);
  const after = tail === undefined ? [] : parseGroups(tail);
  if (before === undefined || after === undefined) return undefined;
  const missing = groupCount - before.length - after.length;
  // RFC 4291 section 2.2: `::` stands for one group or more.
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...before, ...Array.from({ length: missing }, () => 0), ...after];
};

/** Four numbers up to 255 as two groups. A leading zero is octal to some programs, so it is none here. */
const parseIpv4 = (text: string): readonly number[] | undefined => {
  if (!/^(?:(?:0|[1-9]\d{0,2})(?:\.(?=.)|$)){4}$/.test(text)) return undefined;
  const [a = 256, b = 256, c = 256, d = 256] = text.split('.').map(Number);
  return Math.max(a, b, c, d) > 255 ? undefined : [a * 256 + b, c * 256 + d];
};

/** Groups of hex digits between colons; an IPv4 address may be the last. */
const parseGroups = (text: string): readonly number[] | undefined => {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    const ipv4 = at === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push(...ipv4);
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
};

/** One address, or `ADDRESS/BITS`; undefined for anything else. */
const parseNetwork = (entry: string): Network | undefined => {
  const [address = '', prefix, ...rest] = entry.split('/');
  const groups = parseAddress(address);
  if (groups === undefined || rest.length > 0) return undefined;
  if (prefix !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  const offset = address.includes(':') ? 0 : ipv4PrefixBits;
  const bits = prefix === undefined ? groupCount * 16 : offset + Number(prefix);
  if (bits > groupCount * 16) return undefined;
  const masks = groups.map((_, at) => maskOf(bits, at));
  return { groups, bits, masks, isIpv4: bits >= ipv4PrefixBits && isIpv4(groups) };
};

/** The bits of a group that count. */
const maskOf = (bits: number, at: number): number => {
  const own = Math.min(Math.max(bits - at * 16, 0), 16);
  return (0xffff << (16 - own)) & 0xffff;
};

const isIpv4 = (groups: readonly number[]): boolean => ipv4Prefix.every((group, at) => groups[at] === group);

/** One form for each network, so that a list shows and compares alike: lower case, its prefix, IPv4 as such. */
const write = (network: Network): string => {
  const { groups, bits } = network;
  if (!network.isIpv4) return `${writeIpv6(groups)}/${bits}`;
  const [high = 0, low = 0] = groups.slice(ipv4Prefix.length);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}/${bits - ipv4PrefixBits}`;
};

/** RFC 5952 section 4: the longest run of zero groups, of two or more, is `::`. */
const writeIpv6 = (groups: readonly number[]): string => {
  const written = groups.map((group) => group.toString(16)).join(':');
  const [longest = ''] = [...written.matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)]
    .map(([run]) => run)
    .sort((one, other) => other.length - one.length);
  if (longest === '') return written;
  const at = `:${written}:`.indexOf(`:${longest}:`);
  return `${written.slice(0, Math.max(at - 1, 0))}::${written.slice(at + longest.length + 1)}`;
};

/** An entry in the form in which it is kept; undefined: it is no network, or has bits behind its prefix (`10.1.2.3/8`). */
export const canonicalNetwork = (entry: string): string | undefined => {
  const network = parseNetwork(entry);
  if (network === undefined) return undefined;
  const hasStray = network.groups.some((group, at) => (group & ~(network.masks[at] ?? 0)) !== 0);
  return hasStray ? undefined : write(network);
};

/** What to write; ends "write ...". */
export const networkExpected =
  '10.0.0.0/8, 2001:db8::/32 or one address, without bits behind the prefix (10.1.2.0/24, not 10.1.2.3/24)';

/** Undefined where an entry is no network: who reads such a list must refuse it. */
export const parseAddressRule = (entries: readonly string[]): AddressRule | undefined => {
  const networks = entries.map(parseNetwork);
  return networks.every((network) => network !== undefined)
    ? { entries: networks.map(write), networks }
    : undefined;
};

/** Of entries that have been checked; one that is none is a bug and throws. */
export const addressRuleOf = (entries: readonly string[]): AddressRule => {
  const rule = parseAddressRule(entries);
  if (rule === undefined) throw new TypeError('an address rule of something else than networks');
  return rule;
};

const isIn = (network: Network, groups: readonly number[], ofIpv4 = isIpv4(groups)): boolean =>
  network.isIpv4 === ofIpv4 &&
  network.groups.every((group, at) => ((group ^ (groups[at] ?? 0)) & (network.masks[at] ?? 0)) === 0);

/** Whether all of one network lies in one network of a rule. */
export const holdsNetwork = ({ networks }: AddressRule, entry: string): boolean => {
  const inner = parseNetwork(entry);
  return (
    inner !== undefined && networks.some((outer) => outer.bits <= inner.bits && isIn(outer, inner.groups))
  );
};

/**
 * Whether a caller may come from this address. `proxies`: machines that pass others' requests on. An address of theirs is nobody's:
 * a caller whom a proxy hides counts as the proxy. Nor does a caller on a unix socket (`unknown`) come from anywhere.
 */
export const allowsCaller = (rule: AddressRule, address: string, proxies: AddressRule): boolean => {
  const groups = parseAddress(address);
  if (groups === undefined) return false;
  const ofIpv4 = isIpv4(groups);
  const isAmong = ({ networks }: AddressRule): boolean =>
    networks.some((network) => isIn(network, groups, ofIpv4));
  return isAmong(rule) && !isAmong(proxies);
};
