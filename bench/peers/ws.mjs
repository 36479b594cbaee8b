// SPDX-License-Identifier: MIT
// ws on Node's own HTTP server. Makes each message a buffer once.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { Rooms, change, listening, port, serve, verify } from './contract.mjs';

const rooms = new Rooms();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

function publish(id, status, order) {
  let text;
  let bytes;
  rooms.publish(id, status, order, (socket, next) => {
    if (next !== text) {
      text = next;
      bytes = Buffer.from(next);
    }
    socket.send(bytes, { binary: false });
  });
}

const server = createServer((request, response) => {
  const id = /^\/api\/v1\/orders\/([^/]+)\/status$/.exec(request.url)?.[1];
  if (request.method !== 'PATCH' || !id) return response.writeHead(404).end();
  if (!verify(request.headers.authorization?.slice(7))) return response.writeHead(401).end();
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    const { status, note } = JSON.parse(body);
    const order = change(id, status, note ?? '');
    publish(id, status, order);
    const answer = `{"success":true,"data":${order}}`;
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(answer),
    });
    response.end(answer);
  });
});

server.on('upgrade', (request, stream, head) => {
  const claims = verify(new URL(request.url, 'http://localhost').searchParams.get('token'));
  sockets.handleUpgrade(request, stream, head, (socket) => serve(socket, rooms, claims));
});

// The load generator's connection is idle while thousands of others open.
server.keepAliveTimeout = 120_000;
server.listen(port, '127.0.0.1', 511, () => listening(server.address().port));
