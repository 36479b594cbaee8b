// SPDX-License-Identifier: MIT
// measure.mjs [OPTION...] [latency|share|changes|resync...]: measures a real cluster on this machine. It starts one for each
// case (examples/cluster), prints the figures, and writes them as JSON.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { get } from '../../examples/cluster/parts.mjs';
import { Cluster } from '../../examples/cluster/run.mjs';
import { Socket, call, login, metric } from './client.mjs';

const run = promisify(execFile);
const deadlineMs = 120_000;
const steps = ['CONFIRMED', 'PREPARING', 'READY', 'OUT_FOR_DELIVERY', 'DELIVERED'];
// What is measured is the system, not its limits for a user.
const noLimits = ['--staff-writes-per-second=0', '--writes-per-second=0', '--messages-per-second=0', '--max-subscriptions=0',
  '--max-connections-per-user=0', '--logins-per-second=0', '--log-level=warn'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: 'build/release/order_server' },
    json: { type: 'string', default: 'bench/results/cluster.json' },
    seconds: { type: 'string', default: '10' },
    orders: { type: 'string', default: '100000' },
  },
});
const seconds = Number(values.seconds);
let results = {};

// ---- A cluster to measure --------------------------------------------------------

async function withCluster(nodeCount, work) {
  mkdirSync('build/logs', { recursive: true });
  const state = 'build/bench-cluster.sock';
  rmSync(state, { force: true });
  const cluster = new Cluster(state);
  const end = () => cluster.end().then(() => process.exit(1));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    await cluster.start({ server: values.server, logs: 'build/logs', nodeCount, serverOptions: noLimits });
    for (const node of cluster.servers) await until(`${node.name} hears`, async () => await metric(node.port, 'ordercast_node_behind') === 0);
    return await work(cluster);
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    await cluster.end();
  }
}

async function until(what, holds, everyMs = 20) {
  for (const end = Date.now() + deadlineMs; Date.now() < end; await pause(everyMs)) if (await holds()) return;
  throw new Error(`not within ${deadlineMs / 1000} s: ${what}`);
}

async function sql(cluster, text) {
  const password = readFileSync(join(cluster.folder, 'db-password'), 'utf8').trim();
  const { stdout } = await run('psql', ['-h', '127.0.0.1', '-p', String(cluster.database.port), '-U', 'shop', '-d', 'postgres',
    '-qAt', '-v', 'ON_ERROR_STOP=1', '-c', text], { env: { ...process.env, PGPASSWORD: password }, maxBuffer: 1 << 26 });
  return stdout.trim();
}

/** Copies a pending order of the demo data so often. Returns the ids. */
async function makeOrders(cluster, count) {
  const columns = (table, without) => sql(cluster, `SELECT string_agg(column_name, ',') FROM information_schema.columns
    WHERE table_name = '${table}' AND is_identity = 'NO' AND column_name <> ALL ('{${without}}')`);
  const same = await columns('orders', 'id,number_in_organization,razorpay_order_id,razorpay_payment_id,status,version');
  const items = await columns('order_items', 'order_number,id');
  await sql(cluster, `
    INSERT INTO orders (id, number_in_organization, status, version, ${same})
      SELECT 'c' || substr(md5('order' || n), 1, 24), 1000000 + n, 'PENDING', 1, ${same}
      FROM (SELECT * FROM orders WHERE fulfillment_type = 'DELIVERY' AND payment_method = 'COD' ORDER BY number LIMIT 1) AS one,
        generate_series(1, ${count}) AS n;
    INSERT INTO order_items (order_number, id, ${items})
      SELECT made.number, 'i' || substr(md5('item' || made.number), 1, 24), ${items}
      FROM orders AS made, (SELECT * FROM order_items ORDER BY order_number LIMIT 1) AS one
      WHERE made.number_in_organization > 1000000`);
  await sql(cluster, 'ANALYZE');
  return (await sql(cluster, 'SELECT id FROM orders WHERE number_in_organization > 1000000 ORDER BY number')).split('\n');
}

// ---- Figures ---------------------------------------------------------------------

function percentiles(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(2));
  return { count: sorted.length, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1) };
}

/** Processor time in ms of a process and, for PostgreSQL, of its children. */
function processorMs(pid) {
  let ticks = 0;
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    let stat;
    try { stat = readFileSync(`/proc/${name}/stat`, 'utf8'); } catch { continue; }
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(name) === pid) ticks += Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
    else if (Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10;
}

async function usage(cluster) {
  const sum = (parts) => parts.reduce((all, part) => all + processorMs(part.pid), 0);
  const traffic = await Promise.all(cluster.nats.map(async ({ monitor }) => JSON.parse((await get(monitor, '/varz')).body)));
  return { servers: sum(cluster.servers), postgres: sum([cluster.database]), nats: sum(cluster.nats),
    generator: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
    natsBytes: traffic.reduce((all, one) => all + one.out_bytes, 0) };
}

function difference(after, before, changes) {
  const figure = (name) => Number(((after[name] - before[name]) / changes).toFixed(3));
  return { servers_ms: figure('servers'), postgres_ms: figure('postgres'), nats_ms: figure('nats'),
    generator_ms: figure('generator'), nats_out_bytes: Math.round((after.natsBytes - before.natsBytes) / changes) };
}

// ---- Cases -----------------------------------------------------------------------

/** One change at a time at node1: until its answer, until a client of node1 has it, and one of node2. */
async function latency() {
  return withCluster(3, async (cluster) => {
    const [here, there] = cluster.servers.map(({ port }) => port);
    const token = await login(here, 'admin@martly.dev', 'admin123');
    const orders = await makeOrders(cluster, 200 * Math.max(1, Math.round(seconds / 10)));
    const samples = { answer: [], same_node: [], other_node: [] };
    let begun = 0;
    let waiting = 0;
    let wake = () => {};
    const noting = (name) => (text) => {
      if (!text.startsWith('{"type":"order:updated"') || begun === 0) return;
      samples[name].push(performance.now() - begun);
      if (--waiting === 0) wake();
    };
    const sockets = [await Socket.connect(here, token, noting('same_node')), await Socket.connect(there, token, noting('other_node'))];
    for (const socket of sockets) {
      for (const orderId of orders) socket.send({ type: 'subscribe', orderId, since: 1 });
    }
    for (const port of [here, there]) await until('subscribed', async () => await metric(port, 'ordercast_subscriptions') >= orders.length);
    await pause(1000);
    for (const order of orders) {
      for (const status of steps) {
        waiting = 2;
        const all = new Promise((done) => { wake = done; });
        begun = performance.now();
        const { status: code, text } = await call(here, 'PATCH', `/api/v1/orders/${order}/status`, token, { status });
        if (code !== 200) throw new Error(text);
        samples.answer.push(performance.now() - begun);
        await all;
      }
    }
    sockets.forEach((socket) => socket.close());
    return Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, percentiles(list.slice(list.length / 10))]));
  });
}

/** Changes at node1 alone, at a rate that leaves the machine room: what each process spends on one. */
async function share() {
  return withCluster(3, async (cluster) => {
    const ports = cluster.servers.map(({ port }) => port);
    const token = await login(ports[0], 'admin@martly.dev', 'admin123');
    const rate = 150;
    const orders = await makeOrders(cluster, Math.ceil(seconds * rate / steps.length));
    const sockets = await Promise.all(ports.map((port) => Socket.connect(port, token, () => {})));
    const all = () => Object.fromEntries(cluster.parts.map(({ name, pid }) => [name, processorMs(pid)]));
    await pause(3000);
    const idle = all();
    await pause(5000);
    const before = all();
    const begun = performance.now();
    let count = 0;
    // Orders side by side, so that changes of one never wait for each other.
    for (const status of steps) {
      for (const order of orders) {
        await pause(Math.max(0, begun + count++ * 1000 / rate - performance.now()));
        call(ports[0], 'PATCH', `/api/v1/orders/${order}/status`, token, { status }).then(({ status: code, text }) => {
          if (code !== 200) throw new Error(text);
        });
      }
    }
    await until('every entry is published', async () => await metric(ports[0], 'ordercast_outbox_depth') === 0);
    const took = performance.now() - begun;
    const after = all();
    sockets.forEach((socket) => socket.close());
    // Without what they spend on nothing.
    const figures = Object.keys(after).map((name) => [name,
      Number(((after[name] - before[name] - (before[name] - idle[name]) * took / 5000) / count).toFixed(3))]);
    return { changes: count, changes_a_second: rate, a_change_ms: Object.fromEntries(figures) };
  });
}

/** As many changes as go, at all nodes at once; a client with a list at each node counts them. */
async function changes(nodeCount) {
  return withCluster(nodeCount, async (cluster) => {
    const ports = cluster.servers.map(({ port }) => port);
    const token = await login(ports[0], 'admin@martly.dev', 'admin123');
    const orders = await makeOrders(cluster, 1500 * seconds);
    const hints = ports.map(() => 0);
    const sockets = await Promise.all(ports.map((port, at) => Socket.connect(port, token, (text) => {
      if (text.startsWith('{"type":"orders:changed"')) ++hints[at];
    })));
    const answers = [];
    let next = 0;
    let ending = false;
    const worker = async (port) => {
      while (!ending && next < orders.length) {
        const order = orders[next++];
        for (const status of steps) {
          if (ending) return;
          const begun = performance.now();
          const { status: code, text } = await call(port, 'PATCH', `/api/v1/orders/${order}/status`, token, { status });
          if (code !== 200) throw new Error(text);
          answers.push(performance.now() - begun);
        }
      }
    };
    const before = await usage(cluster);
    const begun = performance.now();
    const workers = Array.from({ length: 24 }, (_, at) => worker(ports[at % ports.length]));
    await pause(seconds * 1000);
    ending = true;
    await Promise.all(workers);
    const took = (performance.now() - begun) / 1000;
    // Hints of one order that wait for a slow client are one; here nobody is slow for long.
    await until('every entry is published', async () => await metric(ports[0], 'ordercast_outbox_depth') === 0);
    const published = (performance.now() - begun) / 1000;
    const after = await usage(cluster);
    await pause(500);
    sockets.forEach((socket) => socket.close());
    return { nodes: nodeCount, changes: answers.length, changes_a_second: Math.round(answers.length / took),
      published_after_s: Number((published - took).toFixed(2)), answer: percentiles(answers),
      hints_a_node: hints, a_change: difference(after, before, answers.length) };
  });
}

/** All orders that a node's clients watch are compared, because NATS goes away; some are newer. */
async function resync() {
  return withCluster(2, async (cluster) => {
    const node = cluster.servers[1];
    const token = await login(node.port, 'admin@martly.dev', 'admin123');
    const orders = await makeOrders(cluster, Number(values.orders));
    const sockets = [];
    let got = 0;
    const atFirst = await usage(cluster);
    for (let from = 0; from < orders.length; from += 1000) {
      const socket = await Socket.connect(node.port, token, (text) => { if (text.startsWith('{"type":"order:updated"')) ++got; });
      sockets.push(socket);
      for (const orderId of orders.slice(from, from + 1000)) socket.send({ type: 'subscribe', orderId, since: 1 });
    }
    await until('subscribed', async () => await metric(node.port, 'ordercast_subscriptions') >= orders.length);
    // Each subscription is looked up in the database once.
    let lookups = -1;
    await until('all are authorized', async () => {
      const before = lookups;
      lookups = await metric(node.port, 'ordercast_lookups_total');
      return lookups === before;
    }, 2000);
    results.subscribe = difference(await usage(cluster), atFirst, orders.length);
    const measure = async (newer) => {
      if (newer > 0) {
        await sql(cluster, `UPDATE orders SET version = version + 1 WHERE number IN (
          SELECT number FROM orders WHERE number_in_organization > 1000000 ORDER BY md5(id) LIMIT ${newer})`);
      }
      const count = (name) => metric(node.port, `ordercast_${name}`);
      const [comparedBefore, doneBefore] = [await count('resync_orders_total'), await count('resyncs_total')];
      const gotBefore = got;
      const before = await usage(cluster);
      await Promise.all(cluster.nats.map((part) => part.kill()));
      await until('a comparison', async () => await count('resync_orders_total') > comparedBefore, 2);
      const begun = performance.now();
      await until('its end', async () => await count('resyncs_total') > doneBefore, 2);
      const took = performance.now() - begun;
      await until('all newer orders', () => got - gotBefore >= newer);
      const compared = await count('resync_orders_total') - comparedBefore;
      await Promise.all(cluster.nats.map((part) => part.start()));
      const after = await usage(cluster);
      await until('whole', async () => await count('node_behind') === 0);
      await pause(6000);
      return { watched: orders.length, newer, compared_meanwhile: compared, took_ms: Math.round(took),
        processor_ms: { servers: Math.round(after.servers - before.servers), postgres: Math.round(after.postgres - before.postgres) } };
    };
    const rounds = [];
    for (const newer of [0, 0, 0, orders.length / 100, orders.length / 100]) rounds.push(await measure(newer));
    sockets.forEach((socket) => socket.close());
    return rounds;
  });
}

const cases = {
  latency,
  share,
  changes: async () => [await changes(1), await changes(2), await changes(3)],
  resync,
};

async function main() {
  const chosen = positionals.length > 0 ? positionals : Object.keys(cases);
  const unknown = chosen.find((name) => !cases[name]);
  if (unknown) throw new Error(`no such case: ${unknown}; the cases are ${Object.keys(cases).join(', ')}`);
  try { results = JSON.parse(readFileSync(values.json, 'utf8')); } catch { /* The first time. */ }
  results.machine = `${cpus().length} x ${cpus()[0].model}`;
  for (const name of chosen) {
    results[name] = await cases[name]();
    console.log(name, JSON.stringify(results[name], null, 2));
    writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  }
}

main().then(() => process.exit(0), (error) => {
  console.error(`measure: ${error.message}`);
  process.exit(1);
});
