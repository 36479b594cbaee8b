// SPDX-License-Identifier: MIT
// What the cluster consists of: the programs, their settings and their files.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Part } from './part.mjs';

const run = promisify(execFile);

/** Ports that were free a moment ago, all different. */
export async function freePorts(count) {
  const probes = await Promise.all(Array.from({ length: count }, () => new Promise((done, fail) => {
    const probe = createServer().once('error', fail);
    probe.listen(0, '127.0.0.1', () => done(probe));
  })));
  const ports = probes.map((probe) => probe.address().port);
  await Promise.all(probes.map((probe) => new Promise((done) => probe.close(done))));
  return ports;
}

/** Answers a GET on loopback within two seconds. */
export function get(port, path) {
  return new Promise((done, fail) => {
    const call = request({ host: '127.0.0.1', port, path, agent: false, timeout: 2_000 }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text) => { body += text; });
      answer.on('end', () => done({ status: answer.statusCode, body })).on('error', fail);
    });
    call.on('timeout', () => call.destroy(new Error('timeout'))).on('error', fail).end();
  });
}

function findProgram(name) {
  const fetched = fileURLToPath(new URL('../../build/tools/usr/sbin', import.meta.url));  // By ./dev.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', fetched];
  const found = folders.map((folder) => resolve(folder, name)).find((file) => existsSync(file));
  if (!found) throw new Error(`${name} is missing: install it, or run ./dev cluster, which fetches it`);
  return found;
}

/** The folder with the programs of the newest PostgreSQL server. */
function postgresPrograms() {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).filter((v) => existsSync(join(base, v, 'bin/initdb'))) : [];
  if (versions.length === 0) throw new Error(`no PostgreSQL server below ${base}: install the package postgresql`);
  return join(base, versions.sort((a, b) => Number(b) - Number(a))[0], 'bin');
}

function secretFile(file, text) {
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}

/** The database. It refuses to run as root, so root runs it as the user of Debian's package. */
async function postgres(folder, port, log, password) {
  const programs = postgresPrograms();
  const data = join(folder, 'postgres');
  const user = process.getuid() === 0 ? 'postgres' : undefined;
  const asOther = user ? ['--reuid', user, '--regid', user, '--clear-groups'] : [];
  mkdirSync(data, { mode: 0o700 });
  const passwordFile = secretFile(join(data, 'password'), password);
  const cluster = join(data, 'data');
  if (user) await run('chown', ['-R', `${user}:`, data]);
  await run('setpriv', [...asOther, join(programs, 'initdb'), '--pgdata', cluster, '--username', 'shop', '--pwfile',
    passwordFile, '--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-instructions'], { cwd: '/' });
  return new Part({
    name: 'postgres', port, log, user,
    command: [join(programs, 'postgres'), '-D', cluster, '-p', String(port), '-c', 'listen_addresses=127.0.0.1',
      '-c', 'unix_socket_directories=', '-c', 'max_connections=100', '-c', 'shared_buffers=64MB'],
    isReady: async () => {
      await run(join(programs, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]);
      return true;
    },
    stopSignal: 'SIGINT',
    // An immediate shutdown is a crash for the database, but leaves no backend behind.
    killSignal: 'SIGQUIT',
  });
}

function natsServers(folder, ports, logOf, token) {
  const routes = ports.map(({ route }) => `nats://127.0.0.1:${route}`);
  return ports.map(({ client, route, monitor }, at) => {
    const name = `nats${at + 1}`;
    const file = secretFile(join(folder, `${name}.conf`), `
server_name: ${name}
listen: "127.0.0.1:${client}"
http: "127.0.0.1:${monitor}"
authorization { token: "${token}" }
jetstream { store_dir: "${join(folder, name)}", max_file_store: 1G }
cluster { name: shop, listen: "127.0.0.1:${route}", routes: ${JSON.stringify(routes)} }`);
    return new Part({
      name, port: client, monitor, log: logOf(name), command: [findProgram('nats-server'), '-c', file],
      // One that is started again alone has no majority to wait for.
      isReady: async () => (await get(monitor, '/healthz?js-enabled-only=true')).status === 200,
      isWhole: async () => (await get(monitor, '/healthz')).status === 200,
    });
  });
}

function nodes(folder, ports, logOf, { server, webRoot, serverOptions, database, nats, secrets }) {
  return ports.map((port, at) => {
    const name = `node${at + 1}`;
    return new Part({
      name, port, log: logOf(name),
      command: [resolve(server), '--port', String(port), '--node', name, '--db', database, '--nats', nats,
        '--trusted-proxies', '127.0.0.1', '--drain-seconds', '3', ...(webRoot ? ['--web-root', resolve(webRoot)] : []),
        ...serverOptions],
      environment: secrets,
      isReady: async () => (await get(port, '/readyz')).status === 200,
    });
  });
}

/** The balancer. A node that is not ready gets no new clients and keeps those that it has; one that is dead loses them. */
function balancer(folder, port, log, nodeParts, pagePort) {
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, `
global
  maxconn 4000
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 75s
  timeout tunnel 1h
  option forwardfor
  option redispatch 1
frontend clients
  bind 127.0.0.1:${port}
  use_backend page if { path /cluster } or { path_beg /cluster/ }
  default_backend nodes
backend nodes
  balance leastconn
  # As in docs/deploy/compose/haproxy.cfg, which says why.
  option httpchk
  http-check connect
  http-check send meth GET uri /healthz
  http-check expect status 200
  http-check connect
  http-check send meth GET uri /readyz
  http-check expect status 200 error-status L7OKC
  http-response set-header X-Node %s
  default-server check inter 300ms fall 1 rise 1 on-marked-down shutdown-sessions
${nodeParts.map(({ name, port: at }) => `  server ${name} 127.0.0.1:${at}`).join('\n')}
backend page
  server page 127.0.0.1:${pagePort}
`);
  return new Part({
    name: 'haproxy', port, log, command: [findProgram('haproxy'), '-db', '-f', file],
    isReady: async () => (await get(port, '/healthz')).status === 200,
  });
}

/** All parts in the sequence in which they start. */
export async function makeParts({ folder, logs, server, webRoot, port: wantedPort = 0, pagePort, nodeCount = 3,
  serverOptions = [] }) {
  const logOf = (name) => join(logs, `cluster-${name}.log`);
  const [port, databasePort, ...rest] = await freePorts(2 + 9 + nodeCount);
  const natsPorts = [0, 3, 6].map((at) => ({ client: rest[at], route: rest[at + 1], monitor: rest[at + 2] }));
  const secret = () => randomBytes(32).toString('hex');
  const [password, token] = [secret(), secret()];
  const secrets = {
    DB_PASSWORD_FILE: secretFile(join(folder, 'db-password'), password),
    NATS_TOKEN_FILE: secretFile(join(folder, 'nats-token'), token),
    JWT_SECRET_FILE: secretFile(join(folder, 'jwt-secret'), secret()),
  };
  const database = await postgres(folder, databasePort, logOf('postgres'), password);
  const nats = natsServers(folder, natsPorts, logOf, token);
  const servers = nodes(folder, rest.slice(9), logOf, {
    server, webRoot, serverOptions, secrets,
    database: `postgres://shop@127.0.0.1:${databasePort}/postgres`,
    nats: natsPorts.map(({ client }) => `nats://127.0.0.1:${client}`).join(','),
  });
  return { database, nats, servers, front: balancer(folder, wantedPort || port, logOf('haproxy'), servers, pagePort) };
}
