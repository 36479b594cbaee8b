// SPDX-License-Identifier: MIT
// Fastify with better-sqlite3, as a shop would be built on them: write-ahead log, a sync of the
// disk before each answer, an order with its log and its outbox entry in one transaction, and a
// broadcast to the sockets that follow it. Usage: node sqlite.mjs DATABASE
import { randomUUID } from 'node:crypto';
import websocket from '@fastify/websocket';
import Database from 'better-sqlite3';
import fastify from 'fastify';
import { Rooms, listening, serve, sign, verify } from './contract.mjs';

const db = new Database(process.argv[2]);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`
  CREATE TABLE orders (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, store_id TEXT NOT NULL,
    status TEXT NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL, items TEXT NOT NULL);
  CREATE INDEX orders_of_user ON orders (user_id, created_at);
  CREATE INDEX orders_by_status ON orders (status, created_at);
  CREATE TABLE status_logs (id TEXT PRIMARY KEY, order_id TEXT NOT NULL, status TEXT NOT NULL,
    created_at INTEGER NOT NULL);
  CREATE INDEX logs_of_order ON status_logs (order_id, created_at);
  CREATE TABLE outbox (sequence INTEGER PRIMARY KEY, order_id TEXT NOT NULL, version INTEGER NOT NULL,
    order_json TEXT NOT NULL, sent_at INTEGER);
  CREATE INDEX outbox_waiting ON outbox (sequence) WHERE sent_at IS NULL;`);
const addOrder = db.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, 1, ?, ?)');
const addLog = db.prepare('INSERT INTO status_logs VALUES (?, ?, ?, ?)');
const addEntry = db.prepare(
  'INSERT INTO outbox (order_id, version, order_json) VALUES (?, ?, ?)',
);
const find = db.prepare('SELECT * FROM orders WHERE id = ?');
const logsOf = db.prepare('SELECT id, status, created_at FROM status_logs WHERE order_id = ?');
const setStatus = db.prepare('UPDATE orders SET status = ?, version = version + 1 WHERE id = ?');
const markSent = db.prepare('UPDATE outbox SET sent_at = ? WHERE sequence = ?');

const orderJson = (id) => {
  const row = find.get(id);
  return JSON.stringify({
    id: row.id,
    userId: row.user_id,
    storeId: row.store_id,
    status: row.status,
    version: row.version,
    items: JSON.parse(row.items),
    statusLogs: logsOf.all(id),
    createdAt: new Date(row.created_at).toISOString(),
  });
};
const store = (id, status) => {
  addLog.run(randomUUID(), id, status, Date.now());
  const json = orderJson(id);
  return { json, entry: addEntry.run(id, 1, json).lastInsertRowid };
};
const place = db.transaction((id, user, body) => {
  addOrder.run(id, user, body.storeId, 'PENDING', Date.now(), JSON.stringify(body.items));
  return store(id, 'PENDING');
});
const change = db.transaction((id, status) => {
  if (!find.get(id)) return undefined;
  setStatus.run(status, id);
  return store(id, status);
});

const rooms = new Rooms();
const publish = (id, status, { json, entry }) => {
  rooms.publish(id, status, json, (socket, text) => socket.send(text));
  markSent.run(Date.now(), entry);
};

const app = fastify({ keepAliveTimeout: 120_000 });
await app.register(websocket);
app.get('/ws', { websocket: true }, (socket, request) => {
  serve(socket, rooms, verify(request.query.token));
});
app.addHook('preHandler', async (request, reply) => {
  if (request.url.startsWith('/api/v1/auth/') || request.url.startsWith('/ws')) return;
  request.claims = verify(request.headers.authorization?.slice(7));
  if (!request.claims) await reply.code(401).send();
});
const success = (data) => `{"success":true,"data":${data}}`;
const json = (reply, data) => reply.header('Content-Type', 'application/json').send(success(data));
app.post('/api/v1/auth/login', (request, reply) => {
  json(reply, JSON.stringify({ accessToken: sign({ sub: request.body.email, role: 'SUPER_ADMIN' }) }));
});
app.get('/api/v1/stores', (_request, reply) => json(reply, '[{"id":"store-1"}]'));
app.get('/api/v1/products', (_request, reply) => json(reply, '[{"id":"product-1"}]'));
app.post('/api/v1/orders', (request, reply) => {
  const id = randomUUID();
  const stored = place(id, request.claims.sub, request.body);
  json(reply.code(201), stored.json);
  publish(id, 'PENDING', stored);
});
app.patch('/api/v1/orders/:id/status', (request, reply) => {
  const stored = change(request.params.id, request.body.status);
  if (!stored) return reply.code(404).send();
  json(reply, stored.json);
  publish(request.params.id, request.body.status, stored);
});
await app.listen({ port: 0, host: '127.0.0.1', backlog: 511 });
listening(app.server.address().port);
