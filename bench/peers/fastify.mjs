// SPDX-License-Identifier: MIT
// Fastify with @fastify/websocket, sending strings: the stack of the reference
// system.
import websocket from '@fastify/websocket';
import fastify from 'fastify';
import { Rooms, change, listening, port, serve, verify } from './contract.mjs';

const rooms = new Rooms();
// The load generator's connection is idle while thousands of others open.
const app = fastify({ keepAliveTimeout: 120_000 });
await app.register(websocket);

app.get('/ws', { websocket: true }, (socket, request) => {
  serve(socket, rooms, verify(request.query.token));
});

app.patch('/api/v1/orders/:id/status', (request, reply) => {
  if (!verify(request.headers.authorization?.slice(7))) return reply.code(401).send();
  const { status, note } = request.body;
  const order = change(request.params.id, status, note ?? '');
  rooms.publish(request.params.id, status, order, (socket, text) => socket.send(text));
  reply.header('Content-Type', 'application/json').send(`{"success":true,"data":${order}}`);
});

await app.listen({ port, host: '127.0.0.1', backlog: 511 });
listening(app.server.address().port);
