// SPDX-License-Identifier: MIT
// Draws the plots and writes the tables of bench/results from the JSON that is there.
//   node bench/report.mjs [FOLDER]
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

const folder = process.argv[2] ?? 'bench/results';
const read = (name) => {
  const path = join(folder, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
};

// In the order of the tables. The limit is grey, our transports are coloured, peers are pale.
const servers = {
  send: { label: 'bare send(2)', color: '#444444', dash: 2 },
  uring: { label: 'bare io_uring', color: '#999999', dash: 2 },
  'asio-uring': { label: 'ordercast, asio, io_uring', color: '#0b5fff', width: 3 },
  'asio-send': { label: 'ordercast, asio, send', color: '#12a5b8', width: 3 },
  websocketpp: { label: 'ordercast, websocketpp', color: '#6b3fd4', width: 3 },
  beast: { label: 'Boost.Beast', color: '#c77c2b' },
  uws: { label: 'uWebSockets.js', color: '#1d8a4b' },
  ws: { label: 'ws (Node)', color: '#c2556b' },
  fastify: { label: 'Fastify', color: '#8a6d3b' },
};

const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => {
  const all = sorted(values);
  const middle = all.length >> 1;
  return all.length % 2 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
};

/** Median, minimum and maximum of a figure over the rounds of a case. */
function figure(runs, which, server, value) {
  const all = runs
    .filter((run) => run.case === which && run.server === server)
    .map(value)
    .filter((one) => one !== undefined);
  if (all.length === 0) return undefined;
  return { median: median(all), least: Math.min(...all), most: Math.max(...all) };
}

/**
 * Microseconds of processor time for each delivery. Subtracts the cost of the changes themselves
 * (HTTP, token, JSON), except in `mixed`: there it is as large as the deliveries, and differs with
 * and without them.
 */
const cost = (run) => (run.case === 'mixed' ? run.cpu_with_changes_ns : run.cpu_ns) / 1000;

// ---- Plots -------------------------------------------------------------------------------------

const style = `
set encoding utf8
set border 3 lc rgb '#888888'
set tics nomirror out tc rgb '#333333'
set grid ytics lc rgb '#e6e6e6' lt 1
set title font ',15' tc rgb '#111111' offset 0,0.4
set xlabel tc rgb '#333333'
set ylabel tc rgb '#333333'
unset key
`;

function plot(name, size, script) {
  const file = join(folder, `${name}.svg`);
  execFileSync('gnuplot', ['-'], {
    input:
      `set terminal svg size ${size} font 'Helvetica,13' background '#ffffff' rounded\n` +
      `set output '${file}'\n${style}${script}\n`,
  });
  console.log(`  ${file}`);
}

/** Labels at the ends of lines, moved apart if they would overlap. `scale` maps y to a height. */
function endLabels(lines, x, scale, [bottom, top]) {
  const apart = (scale.to(top) - scale.to(bottom)) * 0.05;
  const labels = lines
    .map(({ server, points }) => ({ server, y: scale.to(points[points.length - 1][1]) }))
    .sort((a, b) => a.y - b.y);
  for (let i = 1; i < labels.length; ++i) {
    labels[i].y = Math.max(labels[i].y, labels[i - 1].y + apart);
  }
  return labels
    .map(({ server, y }) => {
      const { label, color } = servers[server];
      return `set label '${label}' noenhanced at first ${x}, first ${scale.from(y)} left tc rgb '${color}'`;
    })
    .join('\n');
}

const log10 = { to: Math.log10, from: (y) => 10 ** y };

/** One line for each server. */
function linePlot(name, { title, xlabel, ylabel, setup, lines, labelX, range, scale = log10 }) {
  const present = lines.filter(({ points }) => points.length > 0);
  if (present.length === 0) return;
  const [bottom, top] = range(present.flatMap(({ points }) => points.map(([, y]) => y)));
  const data = present
    .map(({ server, points }) => {
      const rows = points.map((point) => point.join(' ')).join('\n');
      return `$${server.replace(/-/g, '_')} << EOD\n${rows}\nEOD`;
    })
    .join('\n');
  const curves = present.map(({ server }) => {
    const { color, dash = 1, width = 2 } = servers[server];
    return `$${server.replace(/-/g, '_')} with linespoints lc rgb '${color}' lw ${width} dt ${dash} pt 7 ps 0.4`;
  });
  plot(
    name,
    '860,480',
    `${data}
set title '${title}'
set xlabel '${xlabel}'
set ylabel '${ylabel}'
set rmargin 28
set yrange [${bottom}:${top}]
${setup}
${endLabels(present, labelX, scale, [bottom, top])}
plot ${curves.join(', ')}`,
  );
}

function loopbackPlots(runs) {
  const names = Object.keys(servers).filter((name) => runs.some((run) => run.server === name));
  const counts = [100, 1000, 10000];
  linePlot('cost', {
    title: 'Processor time of one delivery, one update at a time (560 bytes, one core)',
    xlabel: 'subscribers of the order',
    ylabel: 'microseconds a delivery',
    setup:
      "set logscale x\nset xrange [80:11000]\nset xtics ('100' 100, '1,000' 1000, '10,000' 10000)",
    labelX: 12000,
    scale: { to: (y) => y, from: (y) => y },
    range: (all) => [0, Math.max(...all) * 1.1],
    lines: names.map((server) => ({
      server,
      points: counts
        .map((count) => [count, figure(runs, `one-${count}`, server, cost)?.median])
        .filter(([, y]) => y !== undefined),
    })),
  });
  linePlot('latency', {
    title: 'From the change to the subscriber: 1,000 subscribers, one update at a time',
    xlabel: 'share of all deliveries that are no later (%)',
    ylabel: 'milliseconds',
    setup:
      "set logscale y\nset xrange [0:7.1]\nset xtics ('1' 0, '10' 1, '50' 2, '90' 3, '95' 4, '99' 5, '99.9' 6, '100' 7)",
    labelX: 7.25,
    range: (all) => [Math.min(...all) / 1.5, Math.max(...all) * 2.5],
    lines: names.map((server) => ({
      server,
      points: [0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0]
        .map((share, at) => [
          at,
          figure(runs, 'one-1000', server, (run) => {
            const found = run.latency_us.find(([one]) => one === share);
            return found[1] / 1000;
          })?.median,
        ])
        .filter(([, y]) => y !== undefined && y > 0),
    })),
  });
  const steps = [1000, 2000, 5000, 10000];
  linePlot('memory', {
    title: 'Memory of an idle, authenticated connection (resident, user space)',
    xlabel: 'connections',
    ylabel: 'bytes each',
    setup:
      "set logscale xy\nset xrange [900:11000]\nset xtics ('1,000' 1000, '2,000' 2000, '5,000' 5000, '10,000' 10000)\n" +
      "set ytics ('100' 100, '300' 300, '1,000' 1000, '3,000' 3000, '10,000' 10000)",
    labelX: 11500,
    range: () => [100, 20000],
    lines: names
      .filter((server) => server !== 'send' && server !== 'uring')
      .map((server) => ({
        server,
        points: steps
          .map((step) => [
            step,
            figure(runs, 'one-10000', server, (run) =>
              run.memory?.find(({ connections }) => connections === step)?.bytes_each,
            )?.median,
          ])
          .filter(([, y]) => y !== undefined && y > 0),
      })),
  });

  // Bars: all servers in three cases.
  const cases = [
    ['one-1000', 'One update at a time', '1,000 subscribers'],
    ['burst-1000', '200 updates queued at once', '1,000 subscribers'],
    ['mixed', 'Many orders at once', '5,000 orders, 2 watchers each, 20 admins'],
  ];
  const bars = names.slice().reverse();
  const panels = cases.map(([which, title, subtitle], panel) => {
    const rows = bars
      .map((server, at) => [at, figure(runs, which, server, cost)?.median, server])
      .filter(([, y]) => y !== undefined);
    const most = Math.max(...rows.map(([, y]) => y));
    const left = panel === 0 ? 0.2 : 0.2 + panel * 0.27;
    return `
set lmargin at screen ${left}
set rmargin at screen ${left + 0.22}
set title "{/:Bold ${title}}\\n{/*0.85 ${subtitle}}" font ',13'
set xrange [0:${most * 1.3}]
set yrange [-0.6:${bars.length - 0.4}]
${panel === 0 ? `set ytics (${bars.map((server, at) => `"${servers[server].label.replace('_', '\\\\_')}" ${at}`).join(', ')}) scale 0` : "set ytics ('' 0) scale 0"}
$p${panel} << EOD
${rows.map(([at, y, server]) => `${at} ${y} ${parseInt(servers[server].color.slice(1), 16)} "${y.toFixed(2)}"`).join('\n')}
EOD
plot $p${panel} using ($2/2):1:($2/2):(0.34):3 with boxxyerror fs solid lc rgb variable, \\
  '' using 2:1:4 with labels left offset 0.5,0 tc rgb '#111111'`;
  });
  if (runs.length > 0) {
    plot(
      'peers',
      `1080,${130 + 38 * bars.length}`,
      `unset grid\nunset xtics\nset border 0\nset bmargin at screen ${(46 / (130 + 38 * bars.length)).toFixed(3)}\nset tmargin at screen ${(1 - 78 / (130 + 38 * bars.length)).toFixed(3)}\nset multiplot\n` +
        `set label 1 'microseconds of processor time a delivery; shorter is better' at screen 0.2, screen 0.04 tc rgb '#333333'\n` +
        `${panels.join('\nunset label 1\n')}\nunset multiplot`,
    );
  }
}

// ---- Tables ------------------------------------------------------------------------------------

function loopbackTables(runs, skipped) {
  const names = Object.keys(servers).filter((name) => runs.some((run) => run.server === name));
  const cases = ['one-100', 'one-1000', 'one-10000', 'burst-1000', 'mixed'];
  const cell = (which, server) => {
    const ours = figure(runs, which, server, cost);
    const limit = figure(runs, which, 'send', cost);
    if (!ours) return '';
    const ratio = limit ? ` (${(ours.median / limit.median).toFixed(2)})` : '';
    return `${ours.median.toFixed(2)}${ratio}, ${ours.least.toFixed(2)} to ${ours.most.toFixed(2)}`;
  };
  const lines = [
    '## Processor time of a delivery',
    '',
    'Microseconds, median of the rounds; in brackets as a ratio to bare `send(2)` in the same run; then the least and the most. `mixed` has its share of the changes (HTTP, token, JSON) in it, which is taken off elsewhere.',
    '',
    `| | ${cases.join(' | ')} |`,
    `|---|${cases.map(() => '---').join('|')}|`,
    ...names.map(
      (server) =>
        `| ${servers[server].label} | ${cases.map((which) => cell(which, server)).join(' | ')} |`,
    ),
    '',
    '## Latency, memory, and what is not fan-out',
    '',
    'A connect is TCP, the handshake and the token. `mixed` net has the cost of as many changes that nobody watches taken off; it can fall below zero where those cost more by themselves.',
    '',
    '| | p50, p99, p99.9 at 1,000 (ms) | bytes a connection at 10,000 | a connect (us) | connects a second | a change nobody watches (us) | `mixed`, net (us) |',
    '|---|---|---|---|---|---|---|',
    ...names.map((server) => {
      const latency = [0.5, 0.99, 0.999].map((share) =>
        figure(runs, 'one-1000', server, (run) => run.latency_us.find(([one]) => one === share)[1] / 1000),
      );
      const memory = figure(runs, 'one-10000', server, (run) => run.memory?.at(-1)?.bytes_each);
      const connect = figure(runs, 'one-10000', server, (run) => run.connect_cpu_ns / 1000);
      const change = figure(runs, 'one-1000', server, (run) => run.change_cpu_ns / 1000);
      const net = figure(runs, 'mixed', server, (run) => run.cpu_ns / 1000);
      const rate = connect && { median: 1e6 / connect.median };
      const show = (one, digits) => (one ? one.median.toFixed(digits) : '');
      return `| ${servers[server].label} | ${latency.map((one) => show(one, 2)).join(', ')} | ${show(memory, 0)} | ${show(connect, 0)} | ${show(rate, 0)} | ${show(change, 0)} | ${show(net, 2)} |`;
    }),
    ...Object.entries(skipped).map(([, reason]) => `\nNot measured: ${reason}`),
  ];
  return lines.join('\n');
}

function coreTables(name, document) {
  const rows = document.benchmarks
    .filter((one) => one.run_type !== 'aggregate' || one.aggregate_name === 'median')
    .map((one) => {
      const time = one.time_each !== undefined ? one.time_each * 1e9 : undefined;
      const bytes = one.bytes_each;
      const shown =
        bytes !== undefined
          ? `${bytes.toFixed(0)} bytes each`
          : time !== undefined
            ? `${time.toFixed(1)} ns each`
            : `${one.cpu_time.toFixed(0)} ${one.time_unit}`;
      const allocations =
        one.allocations_each !== undefined ? one.allocations_each.toFixed(4) : '';
      return `| ${one.run_name.replace('/iterations:1', '')} | ${shown} | ${allocations} |`;
    });
  return [`## ${name}`, '', '| | | allocations each |', '|---|---|---|', ...rows].join('\n');
}

/** Medians of the rounds. */
function changesTable(rounds) {
  const names = [...new Set(rounds.map((round) => round.server))];
  const cases = rounds[0].cases.map((one) => [one.what, one.in_flight]);
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const cell = (server, index) => {
    const all = rounds.filter((round) => round.server === server).map((round) => round.cases[index]);
    const of = (key) => median(all.map((one) => one[key]));
    return `${of('per_second')}; ${of('p50_ms')}, ${of('p99_ms')}; ${of('cpu_us')}`;
  };
  const titles = { place: 'orders placed', change: 'changes of a status' };
  return [
    '## Durable changes',
    '',
    `Over HTTP, answered after a sync of the disk, which takes ${median(rounds.map((round) => round.sync_ms))} ms by itself. A second; milliseconds at the median and the 99th percentile; microseconds of the server's processors each. Medians of ${rounds.length / names.length} rounds.`,
    '',
    `| | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---').join('|')}|`,
    ...cases.map(
      ([what, inFlight], index) =>
        `| ${titles[what]}, ${inFlight} in flight | ${names.map((name) => cell(name, index)).join(' | ')} |`,
    ),
  ].join('\n');
}

const parts = [
  `# Results\n\nWritten by \`./dev bench\`. ${cpus()[0].model}, ${cpus().length} cores, Linux ${release().split('.').slice(0, 2).join('.')}; the server on one, the load generator on the other.`,
];
const loopback = read('loopback.json');
if (loopback) {
  loopbackPlots(loopback.runs);
  parts.push(loopbackTables(loopback.runs, loopback.skipped));
}
for (const name of ['registry', 'fanout', 'couriers', 'codec']) {
  const document = read(`${name}.json`);
  if (document) parts.push(coreTables(name, document));
}
/** One row for each kind of run, with the medians of its rounds. */
function medians(runs, kinds, figures) {
  const kindOf = (run) => kinds.map((kind) => run[kind]).join(' | ');
  return [...new Set(runs.map(kindOf))].map((kind) => {
    const all = runs.filter((run) => kindOf(run) === kind);
    return `| ${kind} | ${figures.map((key) => median(all.map((run) => run[key]))).join(' | ')} |`;
  });
}

function shardsTable(runs) {
  return [
    '## Several I/O threads',
    '',
    '8 threads, 100,000 orders with two watchers each, no sockets. A change is posted to all threads, or to those that have watchers of the order. Medians.',
    '',
    '| posted to | changes in flight | changes a second | processor time of a change (ns) | posts a change | wake-ups a change |',
    '|---|---|---|---|---|---|',
    ...medians(
      runs,
      ['to', 'in_flight'],
      ['changes_per_second', 'cpu_ns_a_change', 'posts_a_change', 'wake_ups_a_change'],
    ),
  ].join('\n');
}

function stalledTable(runs) {
  return [
    '## Clients that read nothing',
    '',
    `${runs[0].clients} clients with a receive buffer of 4 KiB stop reading, 4,000 changes of their order come, and they read again. Bytes of a client, medians.`,
    '',
    '| server | stale updates that it gets | memory of the kernel while it stalls | memory of the server |',
    '|---|---|---|---|',
    ...medians(runs, ['server'], ['stale_bytes', 'kernel_bytes', 'resident_bytes']),
  ].join('\n');
}

const shards = read('shards.json');
if (shards) parts.push(shardsTable(shards));
const stalled = read('stalled.json');
if (stalled) parts.push(stalledTable(stalled));
const changes = read('changes.json');
if (changes) parts.push(changesTable(changes));
writeFileSync(join(folder, 'README.md'), parts.join('\n\n') + '\n');
console.log(`  ${join(folder, 'README.md')}`);
