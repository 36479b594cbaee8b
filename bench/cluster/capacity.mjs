// SPDX-License-Identifier: MIT
// capacity.mjs [--check FILE]: what a cluster of so many connections takes, by the model of docs/scaling.md with the
// constants that were measured (bench/results). Prints the tables as Markdown; with --check it fails unless
// they stand in the file.
import { readFileSync } from 'node:fs';

const results = JSON.parse(readFileSync(new URL('../results/cluster.json', import.meta.url), 'utf8'));

/** Slope and start of the straight line through the points that is nearest to them. */
function line(points) {
  const mean = (at) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const slope = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0) /
    points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
  return { slope, at: (px) => y + slope * (px - x) };
}

const share = results.share.a_change_ms;
const bytes = line(results.changes.map(({ nodes, a_change }) => [nodes, a_change.nats_out_bytes]));
const settled = results.resync.filter(({ newer }) => newer === 0);
const compared = settled.reduce((sum, { watched }) => sum + watched, 0);

export const constants = {
  ownMs: share.node1,             // A change: the call, its transaction, its broadcast at the node that takes it.
  readMs: (share.node2 + share.node3) / 2,  // A change of another node: read, looked up, and a hint to one list.
  postgresMs: share.postgres,
  natsMs: share.nats1 + share.nats2 + share.nats3,  // Three servers together.
  natsBytes: (nodes) => bytes.at(nodes),
  subscribeMs: results.subscribe.servers_ms,
  subscribePostgresMs: results.subscribe.postgres_ms,
  compareMs: settled.reduce((sum, { processor_ms }) => sum + processor_ms.servers, 0) / compared,
  comparePostgresMs: settled.reduce((sum, { processor_ms }) => sum + processor_ms.postgres, 0) / compared,
  deliveryMs: 0.008,              // bench/results: one-10000 over asio with io_uring.
  connectMs: 0.041,               // The same: TCP, handshake, token.
  connectionBytes: 385 + 79,      // The same: a connection, and a subscription with one watcher.
};

/** Each connection watches one order, which changes six times in 45 minutes and stands in five lists. */
export function capacity(connections, nodes) {
  const changes = connections * 6 / (45 * 60);
  const cores = (ms) => changes * ms / 1000;
  const read = cores(constants.readMs) * (nodes - 1) / nodes;
  const node = cores(constants.ownMs) / nodes + read + cores(6 * constants.deliveryMs) / nodes;
  const lost = connections / nodes;
  return { connections, nodes, changes, node, read, postgres: cores(constants.postgresMs), nats: cores(constants.natsMs) / 3,
    natsMegabits: changes * constants.natsBytes(nodes) * 8 / 1e6, memory: connections / nodes * constants.connectionBytes / 1e6,
    lostServers: lost * (constants.connectMs + constants.subscribeMs) / 1000,
    lostPostgres: lost * constants.subscribePostgresMs / 1000,
    compare: connections * constants.comparePostgresMs / 1000 };
}

const number = (value) => value >= 1000 ? Number(value.toPrecision(2)).toLocaleString('en-US') : value >= 100 ? Math.round(value).toLocaleString('en-US')
  : value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2);
const table = (head, rows) => [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.join(' | ')} |`)];

export function tables() {
  const c = constants;
  const ms = (value) => `${Number(value.toPrecision(2))} ms`;
  const measured = table(['what is done', 'processor time'], [
    ['a change at the node that takes it: call, transaction, broadcast', ms(c.ownMs)],
    ['a change of another node: read from the stream, looked up, one list told', ms(c.readMs)],
    ['a change in PostgreSQL', ms(c.postgresMs)],
    ['a change in the three NATS servers together', ms(c.natsMs)],
    ['a subscription: looked up in the database, at the node / in PostgreSQL', `${ms(c.subscribeMs)} / ${ms(c.subscribePostgresMs)}`],
    ['an order that is compared, at the node / in PostgreSQL', `${ms(c.compareMs)} / ${ms(c.comparePostgresMs)}`]]);
  const all = [capacity(10_000, 2), capacity(1_000_000, 10), capacity(10_000_000, 40)];
  const row = (name, of) => [name, ...all.map((one) => number(of(one)))];
  const examples = table(['', ...all.map(({ connections }) => `${connections.toLocaleString('en-US')} connections`)], [
    ['nodes', ...all.map(({ nodes }) => String(nodes))], row('changes a second', (one) => one.changes),
    row('cores busy in each node', (one) => one.node), row('of these for changes of other nodes', (one) => one.read),
    row('cores busy in PostgreSQL', (one) => one.postgres), row('cores busy in each NATS server', (one) => one.nats),
    row('megabits a second out of NATS', (one) => one.natsMegabits),
    row('megabytes for the connections of each node, without the kernel\'s', (one) => one.memory),
    row('a node is lost: core seconds at the others', (one) => one.lostServers),
    row('and in PostgreSQL', (one) => one.lostPostgres),
    row('everything is compared: core seconds in PostgreSQL', (one) => one.compare)]);
  return { measured, examples };
}

if (process.argv[1]?.endsWith('capacity.mjs')) {
  const { measured, examples } = tables();
  const file = process.argv[2] === '--check' ? process.argv[3] : undefined;
  if (!file) {
    console.log([...measured, '', ...examples].join('\n'));
  } else {
    const text = readFileSync(file, 'utf8').split('\n');
    const missing = [...measured, ...examples].filter((one) => !text.includes(one));
    missing.forEach((one) => console.log(`${file} lacks: ${one}`));
    process.exitCode = missing.length > 0 ? 1 : 0;
  }
}
