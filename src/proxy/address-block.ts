// The block of addresses that counts as one caller: an IPv4 address itself, an IPv6 address's /64, which is what one
// subscriber is given (RFC 6177 section 2): its 2^64 addresses would pass every limit per address.

/** @param address an IP address without a zone, IPv4 in its own form; anything else, such as `unknown`, is its own block. */
export const addressBlockOf = (address: string): string => {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    // `::` stands for as many zero groups as are missing of eight; an IPv4 address at the end is two of them.
    const after = tail === '' ? [] : tail.split(':');
    const afterCount = after.length + (tail.includes('.') ? 1 : 0);
    while (groups.length + afterCount < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
};
