// A private CA and server certificates signed by it, made anew for each test file with the openssl program.
//
//   const { ca, localhost, elsewhere, address } = makeCertificates();
//   `ca` is the CA's PEM; each other is { cert, key } for localhost, elsewhere.test, the address 127.0.0.1, and a client.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: string;
  readonly localhost: Certificate;
  readonly elsewhere: Certificate;
  readonly address: Certificate;
  /** Of a client, for mTLS. */
  readonly client: Certificate;
}

/** The CA is good for `caDays`, what it signs for two. */
export const makeCertificates = (caDays = 2): Certificates => {
  const directory = mkdtempSync('/tmp/tg-');
  const openssl = (command: string): void =>
    void execFileSync('openssl', command.split(' '), { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  const issue = (name: string, san: string, use = 'serverAuth'): Certificate => {
    writeFileSync(join(directory, `${name}.ext`), `subjectAltName=${san}\nextendedKeyUsage=${use}\n`);
    openssl(`req ${newKey} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`);
    openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ${name}.ext -out ${name}.pem`,
    );
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
  };
  try {
    openssl(`req -x509 ${newKey} -days ${caDays} -keyout ca.key -out ca.pem -subj /CN=Test-CA`);
    return {
      ca: read('ca.pem'),
      localhost: issue('localhost', 'DNS:localhost'),
      elsewhere: issue('elsewhere', 'DNS:elsewhere.test'),
      address: issue('address', 'IP:127.0.0.1'),
      client: issue('client', 'DNS:client.test', 'clientAuth'),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
