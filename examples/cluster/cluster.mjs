// SPDX-License-Identifier: MIT
// Runs PostgreSQL, three NATS servers, three order servers and HAProxy on loopback until Ctrl-C; see README.md.
import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { parseArgs } from 'node:util';
import { Cluster } from './run.mjs';

const usage = `./dev cluster [OPTION...]                start it; Ctrl-C ends it
    --port PORT                          where HAProxy listens; 0, the default, takes a free port
    --nodes N                            order servers, 1 to 9 [3]
    --server-option=--NAME=VALUE         an option of each order server; may be repeated
./dev cluster status                     what runs, from another terminal
./dev cluster kill|start|restart PART... kill parts as a crash would, start them again, or end and start
                                         them in an orderly way, one by one; PART is node1, node2, ...,
                                         nats1 to nats3, postgres or haproxy`;

/** What to try, once it runs. */
function welcome(port, logs) {
  console.log(`listening on http://127.0.0.1:${port} ws://127.0.0.1:${port}/ws\n
http://127.0.0.1:${port}/cluster shows which node each of some sockets is on; http://127.0.0.1:${port}/ is the
admin panel (admin@martly.dev, admin123). In another terminal:\n
${usage.split('\n').slice(-4).join('\n')}\n
Logs: ${logs}/cluster-*.log. Ctrl-C ends all of it and deletes its data.`);
}

/** The number of an option; throws a message that says what is allowed. */
function number(name, text, least, most) {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name}: '${text}' is not allowed; allowed is a whole number from ${least} to ${most}`);
}

/** Sends a command to the cluster that runs; undefined if there is none. */
function ask(state, path) {
  return new Promise((done) => {
    const call = request({ socketPath: state, path, method: 'POST' }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text) => { body += text; });
      answer.on('end', () => done({ status: answer.statusCode, body }));
    });
    call.on('error', () => done(undefined)).end();
  });
}

async function command(state, verb, names) {
  if (verb === 'status' ? names.length > 0 : names.length === 0) throw new Error(`usage:\n${usage}`);
  for (const path of verb === 'status' ? ['/status'] : names.map((name) => `/${verb}/${encodeURIComponent(name)}`)) {
    const answer = await ask(state, path);
    if (!answer) throw new Error('no cluster runs here; start one with ./dev cluster');
    if (answer.status !== 200) throw new Error(answer.body);
    if (verb !== 'status') continue;
    for (const { name, pid, port, sockets, state: how } of JSON.parse(answer.body)) {
      console.log(`${name.padEnd(9)} ${pid ? `pid ${pid}`.padEnd(12) : 'down'.padEnd(12)} port ${port}${
        sockets === undefined ? '' : `  ${String(sockets).padStart(4)} sockets`}${how ? `  ${how}` : ''}`);
    }
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      server: { type: 'string', default: 'build/release/order_server' },
      'web-root': { type: 'string', default: '' },
      state: { type: 'string', default: 'build/cluster.sock' },
      logs: { type: 'string', default: 'build/logs' },
      port: { type: 'string', default: '0' },
      nodes: { type: 'string', default: '3' },
      'server-option': { type: 'string', multiple: true, default: [] },
    },
  });
  const { state } = values;
  const [verb, ...names] = positionals;
  if (['kill', 'start', 'restart', 'status'].includes(verb)) return command(state, verb, names);
  if (verb) throw new Error(`no such command: ${verb}\n${usage}`);
  const port = number('port', values.port, 0, 65535);
  const nodeCount = number('nodes', values.nodes, 1, 9);
  if (await ask(state, '/status')) throw new Error('a cluster runs here already; end it with Ctrl-C in its terminal');
  rmSync(state, { force: true });
  const cluster = new Cluster(state);
  let told = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (!told) console.log('\nending');
      told = true;
      cluster.end();
    });
  }
  try {
    await cluster.start({ server: values.server, webRoot: values['web-root'], logs: values.logs, port, nodeCount,
      serverOptions: values['server-option'] });
    welcome(cluster.front.port, values.logs);
  } catch (error) {
    await cluster.end();
    if (told) return undefined;
    throw error;
  }
}

main().catch((error) => {
  console.error(`cluster: ${error.message}`);
  process.exitCode = 1;
});
