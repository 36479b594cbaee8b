// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { callsOf, messagesOf } from '../../documents.js';

/** Sends one HTTP request. Node's fetch would not let a test choose every header. */
function exchange(url, { method, headers, body }) {
  return new Promise((done, fail) => {
    const sent = request(url, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => {
        done({ status: response.statusCode, headers: response.headers, text });
      });
      response.on('error', fail);
    });
    sent.setTimeout(30_000, () => sent.destroy(new Error(`${method} ${url}: no answer`)));
    sent.on('error', fail);
    sent.end(body);
  });
}

/** Makes calls and compares each answer, and each WebSocket message, with the documents. */
export class Recorder {
  #validator;
  #payloads;
  /** What was seen: "POST /api/v1/orders 201", "send pong". */
  seen = new Set();

  constructor(documents, validator) {
    this.#validator = validator;
    this.calls = new Map(callsOf(documents).map((call) => [call.operation.operationId, call]));
    this.#payloads = new Map(
      ['fromClient', 'fromServer'].map((name) => [name, messagesOf(documents, name)]),
    );
  }

  /**
   * Makes the call of an `operationId`. `options`: `token`, `path` (values of the path's parameters), `query`, `headers`, `body`
   * (an object becomes JSON). Returns `{ status, headers, data, meta, body }`.
   */
  async call(origin, operationId, options = {}) {
    const call = this.calls.get(operationId);
    const { token, path = {}, query = '', headers = {}, body } = options;
    const url = origin + call.path.replace(/\{(.+?)\}/g, (_, name) => path[name] ?? 'none') + query;
    const all = { ...headers };
    if (token !== undefined) all.Authorization = `Bearer ${token}`;
    if (body !== undefined && all['Content-Type'] === undefined) {
      all['Content-Type'] = 'application/json';
    }
    const text = typeof body === 'object' ? JSON.stringify(body) : body;
    if (text !== undefined) all['Content-Length'] = Buffer.byteLength(text);
    const method = call.method.toUpperCase();
    const answer = await exchange(url, { method, headers: all, body: text });
    this.#checkAnswer(call, answer);
    if (answer.status < 300 && typeof body === 'object') this.#checkRequest(call, body);
    const json = answer.headers['content-type']?.startsWith('application/json')
      ? JSON.parse(answer.text)
      : undefined;
    return { ...answer, body: json, data: json?.data, meta: json?.meta };
  }

  #checkAnswer({ method, path, responses }, { status, headers, text }) {
    const what = `${method.toUpperCase()} ${path} ${status}`;
    this.seen.add(what);
    const response = responses[status];
    assert.ok(response, `${what} is not in openapi.yaml: ${text}`);
    for (const [name, header] of Object.entries(response.headers ?? {})) {
      if (name === 'X-Node') continue;
      assert.ok(headers[name.toLowerCase()], `${what}: no ${name} (${header.description})`);
    }
    const [type] = (headers['content-type'] ?? '').split(';');
    const schema = response.content?.[type]?.schema;
    assert.ok(schema, `${what}: ${type} is not in openapi.yaml`);
    this.#check(
      'openapi.yaml',
      schema,
      type === 'application/json' ? JSON.parse(text) : text,
      what,
    );
  }

  #checkRequest({ method, path, requestBody }, body) {
    const schema = requestBody?.content['application/json'].schema;
    assert.ok(schema, `${method} ${path} takes no body`);
    const faults = this.#validator.faults('openapi.yaml', schema, body);
    assert.deepEqual(faults, [], `${method} ${path} took ${JSON.stringify(body)}`);
  }

  #check(file, schema, value, what) {
    const text = JSON.stringify(value);
    assert.deepEqual(this.#validator.faults(file, schema, value), [], `${what}: ${text}`);
    const unknown = this.#validator.unknownFields(file, schema, value);
    assert.deepEqual(unknown, [], `${what} has fields that the document lacks: ${text}`);
  }

  /** Checks a message of `operation` (fromClient, fromServer). Returns it. */
  message(operation, message) {
    const payloads = this.#payloads.get(operation);
    const fitting = payloads.filter(
      ({ payload }) => this.#validator.faults('asyncapi.yaml', payload, message).length === 0,
    );
    const text = JSON.stringify(message);
    assert.deepEqual(fitting.length, 1, `${operation}: asyncapi.yaml has no such message: ${text}`);
    const [{ name, payload }] = fitting;
    this.#check('asyncapi.yaml', payload, message, name);
    this.seen.add(`${operation} ${name}`);
    return message;
  }

  /** The answers and messages of the documents that were not seen, but those that `isExcused` knows. */
  missing(isExcused) {
    const all = [...this.calls.values()].flatMap(({ method, path, responses }) =>
      Object.keys(responses)
        .filter((status) => status !== 'default')
        .map((status) => `${method.toUpperCase()} ${path} ${status}`),
    );
    for (const [operation, payloads] of this.#payloads) {
      all.push(...payloads.map(({ name }) => `${operation} ${name}`));
    }
    return all.filter((each) => !this.seen.has(each) && !isExcused(each));
  }
}
