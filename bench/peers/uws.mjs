// SPDX-License-Identifier: MIT
// uWebSockets.js with its own publish and subscribe, which writes what is pending once a turn of its loop.
import uws from '@trufflesuite/uws-js-unofficial';
import { change, changed, listening, pong, port, updated, verify } from './contract.mjs';

// Without its native build the package silently uses ws, which is a separate peer.
if (uws._cfg === undefined) throw new Error('uWebSockets.js has no build for this machine');

const admins = 'admins';
const app = uws.App();

app.ws('/ws', {
  compression: uws.DISABLED,
  idleTimeout: 0,
  maxBackpressure: 16 * 1024 * 1024, // The default drops a burst above 64 KiB.
  upgrade: (response, request, context) => {
    response.upgrade(
      { claims: verify(new URLSearchParams(request.getQuery()).get('token')) },
      request.getHeader('sec-websocket-key'),
      request.getHeader('sec-websocket-protocol'),
      request.getHeader('sec-websocket-extensions'),
      context,
    );
  },
  open: (socket) => {
    const { claims } = socket.getUserData();
    if (!claims) return socket.end(4001, 'Invalid token');
    if (claims.role === 'SUPER_ADMIN') socket.subscribe(admins);
  },
  message: (socket, data) => {
    const { type, orderId } = JSON.parse(Buffer.from(data).toString());
    if (type === 'ping') socket.send(pong);
    else if (type === 'subscribe') socket.subscribe(`order/${orderId}`);
    else if (type === 'unsubscribe') socket.unsubscribe(`order/${orderId}`);
  },
});

app.patch('/api/v1/orders/:id/status', (response, request) => {
  const id = request.getParameter(0);
  const claims = verify(request.getHeader('authorization').slice(7));
  const chunks = [];
  response.onAborted(() => {});
  response.onData((chunk, last) => {
    chunks.push(Buffer.from(chunk.slice(0))); // The server reuses the chunk's memory after this call.
    if (!last) return;
    if (!claims) return response.writeStatus('401 Unauthorized').end();
    const { status, note } = JSON.parse(Buffer.concat(chunks).toString());
    const order = change(id, status, note ?? '');
    app.publish(`order/${id}`, updated(id, order));
    app.publish(admins, changed(id, status));
    response.cork(() =>
      response
        .writeHeader('Content-Type', 'application/json')
        .end(`{"success":true,"data":${order}}`),
    );
  });
});

app.listen('127.0.0.1', port, (socket) => {
  if (!socket) throw new Error(`port ${port} is taken`);
  listening(uws.us_socket_local_port(socket));
});
