// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsOf, messagesOf, readDocuments } from '../documents.js';
import { pageOf } from '../page/page.js';

const documents = readDocuments();
const page = pageOf(documents);
const ids = [...page.matchAll(/ id="(.+?)"/g)].map(([, id]) => id);

test('the page has every call and every message', () => {
  for (const { operation } of callsOf(documents)) assert.ok(ids.includes(operation.operationId));
  for (const direction of ['fromClient', 'fromServer']) {
    for (const { name } of messagesOf(documents, direction)) {
      assert.ok(ids.includes(`message-${name}`), name);
    }
  }
});

test('each link within the page leads somewhere, and nowhere twice', () => {
  assert.equal(new Set(ids).size, ids.length);
  for (const [, id] of page.matchAll(/href="#(.+?)"/g)) assert.ok(ids.includes(id), id);
});

test('the page needs no network but its own server', () => {
  assert.doesNotMatch(page, /(src|href)="(https?:)?\/\//);
});

test('text of the documents is no HTML', () => {
  const changed = structuredClone(documents);
  changed.openapi.info.description = '<script>alert(1)</script> & `a<b`';
  const html = pageOf(changed);
  assert.match(html, /&lt;script&gt;alert\(1\)&lt;\/script&gt; &amp; <code>a&lt;b<\/code>/);
});
