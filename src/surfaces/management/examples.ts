// The accounts in the examples of the description. The tests make them on a real server, send every example
// there, and look at what it answers.

export const example = {
  org: 'acme',
  user: 'ann',
  otherUser: 'ben',
  newUser: 'cai',
  otherOrg: 'other',
  newOrg: 'globex',
  tokenId: '102a35a2-bcf9-8cc4-a54d-79113b20c02d',
  /** Of that token: no other server has it. */
  secret: 'tgn4fSAFdJtZ7kVlSX21Kr1bdm1VGNKwtZmW0VyCG5WngKQ2S3fMGhWfKJ03OKmKd',
  password: 'correct horse battery staple',
  nextPassword: 'twelve or more characters',
} as const;
