// SPDX-License-Identifier: MIT

import { callsOf, messagesOf, resolve } from '../documents.js';
import { Fields } from './fields.js';
import { escapeHtml, inline, json, paragraphs } from './html.js';

const section = (id, title, body) => `<section id="${id}"><h3>${title}</h3>${body}</section>`;
const heading = (id, title, body = '') => `<h2 id="${id}">${escapeHtml(title)}</h2>${body}`;

/** The whole reference as one HTML page, with `docs.css` and `docs.js` beside it. */
export function pageOf(documents) {
  const fields = new Fields(documents.files);
  const parts = [...restParts(documents, fields), webSocketPart(documents, fields)];
  const schemas = schemaPart(fields); // last: the others say which there are
  const all = [...parts, schemas];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>ordercast: REST and WebSocket reference</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="docs.css">
<script src="docs.js" defer></script>
</head>
<body>
<header>
<h1>ordercast reference</h1>
<p><a href="openapi.yaml">openapi.yaml</a> <a href="asyncapi.yaml">asyncapi.yaml</a></p>
</header>
<nav aria-label="Contents">
<details open>
<summary>Contents</summary>
<input type="search" placeholder="Filter" aria-label="Filter the contents">
${all.map(contents).join('\n')}
</details>
</nav>
<main>
<section class="intro"><h2>About</h2>${paragraphs(documents.openapi.info.description)}</section>
${all.map(({ html }) => html).join('\n')}
</main>
</body>
</html>
`;
}

const contents = ({ id, title, entries }) =>
  `<h2><a href="#${id}">${escapeHtml(title)}</a></h2><ul>${entries
    .map((entry) => `<li><a href="#${entry.id}">${entry.label}</a></li>`)
    .join('')}</ul>`;

const badge = (method) => `<span class="method ${method}">${method.toUpperCase()}</span>`;

function restParts(documents, fields) {
  const calls = callsOf(documents);
  return documents.openapi.tags.map((tag) => {
    const own = calls.filter(({ operation }) => operation.tags.includes(tag.name));
    const id = tag.name.toLowerCase().replaceAll(' ', '-');
    return {
      id,
      title: tag.name,
      entries: own.map(({ method, path, operation }) => ({
        id: operation.operationId,
        label: `${badge(method)} ${escapeHtml(path.replace('/api/v1', ''))}`,
      })),
      html:
        heading(id, tag.name, paragraphs(tag.description)) +
        own.map((call) => callSection(call, fields)).join('\n'),
    };
  });
}

function callSection({ path, method, operation, parameters, requestBody, responses }, fields) {
  const title = `${badge(method)} <code>${escapeHtml(path).replaceAll('/', '/<wbr>')}</code>`;
  const body = [`<p class="summary">${inline(operation.summary)}</p>`];
  body.push(paragraphs(operation.description));
  if (operation.security?.length === 0) body.push('<p class="note">Needs no access token.</p>');
  if (parameters.length > 0) {
    body.push('<h4>Parameters</h4>', parameterList(parameters, fields));
  }
  const content = requestBody?.content['application/json'];
  if (content) {
    body.push(`<h4>Body${requestBody.required ? '' : ' <span class="note">optional</span>'}</h4>`);
    body.push(fields.list('openapi.yaml', content.schema));
    if (content.example) body.push(json(content.example));
  }
  body.push('<h4>Answers</h4>', answerList(responses, fields));
  return section(operation.operationId, title, body.join(''));
}

function parameterList(parameters, fields) {
  const rows = parameters.map(({ name, in: where, required, description = '', schema }) => {
    const type = fields.type('openapi.yaml', schema);
    const note = `${where}${required ? '' : ', optional'}`;
    return (
      `<li><code class="name">${escapeHtml(name)}</code> <span class="type">${type}</span> ` +
      `<span class="note">${note}</span><span class="about">${inline(description)}</span></li>`
    );
  });
  return `<ul class="fields">${rows.join('')}</ul>`;
}

function answerList(responses, fields) {
  const rows = Object.entries(responses).map(([status, { description, headers = {}, content }]) => {
    const schema = content?.['application/json']?.schema;
    const data = schema?.properties?.data;
    const shown = data ? fields.type('openapi.yaml', data) : '';
    const names = Object.keys(headers).map((name) => `<code>${escapeHtml(name)}</code>`);
    const header = names.length > 0 ? ` With ${names.join(', ')}.` : '';
    const type = shown === '' || status >= '400' ? '' : ` <span class="type">data: ${shown}</span>`;
    return `<li><code class="name">${status}</code>${type}<span class="about">${inline(description)}${header}</span></li>`;
  });
  return `<ul class="fields">${rows.join('')}</ul>`;
}

const directions = [
  ['fromClient', 'From the client'],
  ['fromServer', 'From the server'],
];

function webSocketPart(documents, fields) {
  const { info, channels } = documents.asyncapi;
  const entries = [];
  const html = [heading('websocket', 'WebSocket', paragraphs(info.description))];
  for (const [operation, title] of directions) {
    html.push(`<h3 class="direction">${title}</h3>`);
    for (const { name, title: label, payload } of messagesOf(documents, operation)) {
      const id = `message-${name}`;
      const { file, value } = resolve(documents.files, 'asyncapi.yaml', payload);
      const [base] = (value.allOf ?? []).map((part) => resolve(documents.files, file, part).value);
      const body = [paragraphs(base?.description), paragraphs(value.description)];
      body.push(fields.list(file, value));
      body.push(...(value.examples ?? base?.examples ?? []).map(json));
      html.push(section(id, escapeHtml(label), body.join('')));
      entries.push({ id, label: escapeHtml(label) });
    }
  }
  const codes = channels.ws['x-close-codes'].map(
    ({ code, means, then }) =>
      `<li><code class="name">${code}</code> ${inline(means)}<span class="about">${inline(then)}</span></li>`,
  );
  html.push(section('close-codes', 'Close codes', `<ul class="fields">${codes.join('')}</ul>`));
  entries.push({ id: 'close-codes', label: 'Close codes' });
  return { id: 'websocket', title: 'WebSocket', entries, html: html.join('\n') };
}

/** The named schemas, also those that only other named ones use. */
function schemaPart(fields) {
  const html = [heading('schemas', 'Schemas')];
  const entries = [];
  for (const [id, { name, file, value }] of fields.sections) {
    const body = value.enum
      ? `<p class="type">${fields.type(file, value)}</p>`
      : fields.list(file, value);
    html.push(section(id, escapeHtml(name), paragraphs(value.description) + body));
    entries.push({ id, label: escapeHtml(name) });
  }
  return { id: 'schemas', title: 'Schemas', entries, html: html.join('\n') };
}
