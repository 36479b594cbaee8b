// SPDX-License-Identifier: MIT
// Stands for Google's token service, FCM and Razorpay: one HTTPS server on loopback, and a plain one
// beside it by which a test tells it what to do and asks what it has heard.
//
//   node services_stub.mjs CERTIFICATE KEY SERVICE_ACCOUNT.json PUBLIC_KEY.pem
//
// Prints "ready HTTPS_PORT CONTROL_PORT". Control:
//   POST /behave {send?, token?, order?, refund?, devices?: {TOKEN: BEHAVIOUR}}   BEHAVIOUR as below
//   GET  /heard                                                {pushes, tokens, orders, refunds, refused}
//   POST /forget                                                         starts the record anew
// A behaviour is {kind, times?, retryAfter?}: "ok", "slow" (answers after 2 s), "hang", "reset", or
// one of the errors in the table. With `times` it is "ok" again after so many. For refunds also "pending" (the
// provider has it and is not done) and "lost" (done, but the answer never comes).
import { createHmac, createPublicKey, randomUUID, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';

const [certificate, key, accountFile, publicKeyFile] = process.argv.slice(2);
const account = JSON.parse(readFileSync(accountFile, 'utf8'));
const publicKey = createPublicKey(readFileSync(publicKeyFile));
const scope = 'https://www.googleapis.com/auth/firebase.messaging';

const behaviours = { send: { kind: 'ok' }, token: { kind: 'ok' }, order: { kind: 'ok' }, refund: { kind: 'ok' } };
let devices = {};
let heard = { pushes: [], tokens: 0, orders: [], refunds: [], refused: [] };
/** By idempotency key, as the provider remembers them. */
const refunds = new Map();
const accessTokens = new Set();

/** FCM's documented errors. */
const fcmErrors = {
  unregistered: [404, 'NOT_FOUND', 'UNREGISTERED'],
  invalid: [400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'],
  poisoned: [400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'message.data'],
  mismatch: [403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'],
  quota: [429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'],
  unavailable: [503, 'UNAVAILABLE', 'UNAVAILABLE'],
  internal: [500, 'INTERNAL', 'INTERNAL'],
  unauthenticated: [401, 'UNAUTHENTICATED'],
  thirdParty: [401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'],
};

function fcmError([code, status, errorCode, field]) {
  const details = [];
  if (errorCode) details.push({ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode });
  if (field) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field, description: 'Invalid value' }],
    });
  }
  return { error: { code, message: 'Refused by the stub', status, details } };
}

function body(request) {
  return new Promise((done, failed) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => done(Buffer.concat(chunks)));
    request.on('error', failed);
    request.on('close', () => failed(new Error('cut off')));
  });
}

function answer(response, status, content, headers = {}) {
  const text = JSON.stringify(content);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** The next behaviour of an endpoint or device. */
function next(behaviour = { kind: 'ok' }) {
  if (behaviour.times === undefined) return behaviour;
  if (behaviour.times <= 0) return { kind: 'ok' };
  behaviour.times -= 1;
  return behaviour;
}

/** Applies a behaviour. Returns true if the request is answered, or never will be. */
async function misbehaves(behaviour, request, response) {
  switch (behaviour.kind) {
    case 'ok':
      return false;
    case 'slow':
      await new Promise((done) => setTimeout(done, 2000));
      return false;
    case 'hang':
      return true;
    case 'reset':
      request.stream ? request.stream.session.destroy() : request.socket.destroy();
      return true;
    default: {
      const error = fcmErrors[behaviour.kind];
      const after = behaviour.retryAfter === undefined ? {} : { 'retry-after': `${behaviour.retryAfter}` };
      answer(response, error[0], fcmError(error), after);
      return true;
    }
  }
}

/** Why an assertion is refused; undefined if it is accepted. */
function fault(assertion) {
  const [head, payload, signature] = assertion.split('.');
  if (!signature) return 'three parts';
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  const now = Date.now() / 1000;
  if (header.alg !== 'RS256' || header.kid !== account.private_key_id) return 'header';
  if (!verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), publicKey, Buffer.from(signature, 'base64url'))) {
    return 'signature';
  }
  if (claims.iss !== account.client_email) return 'iss';
  if (claims.aud !== account.token_uri) return 'aud';
  if (claims.scope !== scope) return 'scope';
  if (!(claims.iat <= now + 30 && claims.exp > now && claims.exp - claims.iat <= 3600)) return 'times';
  return undefined;
}

async function token(request, response) {
  const form = new URLSearchParams((await body(request)).toString());
  if (await misbehaves(next(behaviours.token), request, response)) return;
  const why =
    form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer'
      ? fault(form.get('assertion') ?? '')
      : 'grant_type';
  if (why) {
    heard.refused.push(`token: ${why}`);
    answer(response, 400, { error: 'invalid_grant', error_description: why });
    return;
  }
  const made = `ya29.${randomUUID()}`;
  accessTokens.add(made);
  heard.tokens += 1;
  answer(response, 200, { access_token: made, expires_in: 3599, token_type: 'Bearer' });
}

async function send(request, response) {
  const bearer = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const { message } = JSON.parse(await body(request));
  const behaviour = next(devices[message.token]?.kind ? devices[message.token] : behaviours.send);
  if (behaviour.kind === 'unauthenticated') accessTokens.clear();
  if (await misbehaves(behaviour, request, response)) return;
  if (!accessTokens.has(bearer)) {
    heard.refused.push('send: access token');
    answer(response, 401, fcmError(fcmErrors.unauthenticated));
    return;
  }
  heard.pushes.push({
    token: message.token,
    ...message.data,
    title: message.notification.title,
    body: message.notification.body,
    http: request.httpVersion,
    session: bearer, // Each run of a server requests its own token.
  });
  answer(response, 200, { name: `projects/${account.project_id}/messages/${randomUUID()}` });
}

async function order(request, response) {
  const wanted = JSON.parse(await body(request));
  if (await misbehaves(next(behaviours.order), request, response)) return;
  const id = `order_${createHmac('sha256', 'stub').update(randomUUID()).digest('hex').slice(0, 14)}`;
  const credentials = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString();
  heard.orders.push({ ...wanted, id, credentials });
  answer(response, 200, { id, entity: 'order', amount: wanted.amount, currency: wanted.currency, status: 'created' });
}

/** What has gone back of each payment is in `refunds`; asked for twice under one key, it goes once. */
async function refund(request, response, paymentId) {
  const { amount } = JSON.parse(await body(request));
  const key = request.headers['x-refund-idempotency'];
  const behaviour = next(behaviours.refund);
  const own = ['pending', 'lost'].includes(behaviour.kind);
  if (!own && (await misbehaves(behaviour, request, response))) return;
  heard.refunds.push({ paymentId, amount, key });
  if (!key || key.length < 10) {
    answer(response, 400, { error: { code: 'BAD_REQUEST_ERROR', description: 'a key is required' } });
    return;
  }
  if (!refunds.has(key)) {
    const id = `rfnd_${randomUUID().replaceAll('-', '').slice(0, 14)}`;
    const status = behaviour.kind === 'pending' ? 'pending' : 'processed';
    refunds.set(key, { id, entity: 'refund', payment_id: paymentId, amount, currency: 'INR', status });
  }
  if (behaviour.kind === 'lost') {
    request.stream ? request.stream.session.destroy() : request.socket.destroy();
    return;
  }
  answer(response, 200, refunds.get(key));
}

const routes = {
  '/token': token,
  [`/v1/projects/${account.project_id}/messages:send`]: send,
  '/v1/orders': order,
};

const server = createSecureServer(
  { cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true },
  (request, response) => {
    const refunded = /^\/v1\/payments\/([^/]+)\/refund$/.exec(request.url);
    const route =
      request.method !== 'POST'
        ? undefined
        : refunded
          ? (asked, answers) => refund(asked, answers, refunded[1])
          : routes[request.url];
    if (!route) {
      answer(response, 404, { error: 'no such path' });
      return;
    }
    route(request, response).catch(() => response.destroy?.());
  },
);
server.on('sessionError', () => {});

const control = createServer(async (request, response) => {
  if (request.url === '/heard') return answer(response, 200, heard);
  if (request.url === '/forget') {
    heard = { pushes: [], tokens: 0, orders: [], refunds: [], refused: [] };
    return answer(response, 200, {});
  }
  const wanted = JSON.parse(await body(request));
  devices = { ...devices, ...wanted.devices };
  delete wanted.devices;
  Object.assign(behaviours, wanted);
  return answer(response, 200, {});
});

server.listen(0, '127.0.0.1', () =>
  control.listen(0, '127.0.0.1', () =>
    console.log(`ready ${server.address().port} ${control.address().port}`),
  ),
);
