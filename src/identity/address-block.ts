// The block of addresses that counts as one caller in every limit per address: an IPv4 address itself, an IPv6 address's
// /64, which is what one subscriber is given (RFC 6177 section 2): its 2^64 addresses would pass every such limit.

/** @param address an IP address without a zone; anything else, such as `unknown`, is its own block. */
export const addressBlockOf = (address: string): string => {
  if (!address.includes(':')) return address;
  const ipv4 = ipv4InIpv6.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
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

/** RFC 4291 section 2.5.5.2. Written with hex digits, such an address is still a block of its own. */
const ipv4InIpv6 = /^::ffff:(.+)$/i;
