// SPDX-License-Identifier: MIT
// What the measurements of a cluster speak: REST on connections that are kept, and WebSockets.
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, noDelay: true });

/** A call of the API at a port of loopback. */
export function call(port, method, path, token, body) {
  return new Promise((done, fail) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...(text ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) } : {}) };
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece)).on('error', fail);
      answer.on('end', () => done({ status: answer.statusCode, text: Buffer.concat(pieces).toString() }));
    });
    sent.on('error', fail).end(text);
  });
}

export async function login(port, email, password) {
  const { status, text } = await call(port, 'POST', '/api/v1/auth/login', undefined, { email, password });
  if (status !== 200) throw new Error(`no sign-in: ${text}`);
  return JSON.parse(text).data.accessToken;
}

/** The value of a metric, all series together. */
export async function metric(port, name) {
  const { text } = await call(port, 'GET', '/metrics');
  return text.split('\n').filter((line) => line.startsWith(name) && ' {'.includes(line[name.length]))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** A WebSocket that hands each text to `onText`. Small: whole frames of a server, no fragments. */
export class Socket {
  static connect(port, token, onText) {
    return new Promise((done, fail) => {
      const sent = request({ host: '127.0.0.1', port, path: `/ws?token=${token}`, headers: {
        Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64') } });
      sent.on('upgrade', (_, stream, head) => done(new Socket(stream, head, onText)));
      sent.on('response', (answer) => fail(new Error(`no WebSocket: ${answer.statusCode}`))).on('error', fail).end();
    });
  }

  constructor(stream, head, onText) {
    this.stream = stream.setNoDelay(true);
    this.onText = onText;
    this.rest = head;
    stream.on('data', (piece) => this.take(piece)).on('error', () => {});
    if (head.length > 0) this.take(Buffer.alloc(0));
  }

  take(piece) {
    let bytes = this.rest.length > 0 ? Buffer.concat([this.rest, piece]) : piece;
    for (;;) {
      if (bytes.length < 2) break;
      let size = bytes[1] & 0x7f;
      let head = 2;
      if (size === 126) {
        if (bytes.length < 4) break;
        [size, head] = [bytes.readUInt16BE(2), 4];
      } else if (size === 127) {
        if (bytes.length < 10) break;
        [size, head] = [Number(bytes.readBigUInt64BE(2)), 10];
      }
      if (bytes.length < head + size) break;
      const content = bytes.subarray(head, head + size);
      const opcode = bytes[0] & 0xf;
      bytes = bytes.subarray(head + size);
      if (opcode === 1) this.onText(content.toString());
      if (opcode === 9) this.write(0xa, content);
    }
    this.rest = bytes;
  }

  send(message) {
    this.write(1, Buffer.from(JSON.stringify(message)));
  }

  /** Masked with zeros, which leaves the content as it is. */
  write(opcode, content) {
    const size = content.length;
    const head = size < 126 ? Buffer.from([0x80 | opcode, 0x80 | size, 0, 0, 0, 0])
      : Buffer.from([0x80 | opcode, 0xfe, size >> 8, size & 0xff, 0, 0, 0, 0]);
    this.stream.write(Buffer.concat([head, content]));
  }

  close() {
    this.stream.destroy();
  }
}
