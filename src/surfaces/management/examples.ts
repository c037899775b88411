// The accounts that the examples of the description speak of. The tests make them on a real server, send every example
// there, and look at what it answers.

export const example = {
  org: 'acme',
  user: 'ann',
  otherUser: 'ben',
  tokenId: '7b1e0c52-6f0d-4a3e-9a55-0d6f4c1b2e93',
  password: 'correct horse battery staple',
  nextPassword: 'twelve or more characters',
} as const;
