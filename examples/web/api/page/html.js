// SPDX-License-Identifier: MIT

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as HTML. */
export const escapeHtml = (text) => String(text).replace(/[&<>"]/g, (found) => escapes[found]);

/** The little Markdown that the documents use, within a line: code and strong. */
export const inline = (text) =>
  escapeHtml(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>');

/** A description: paragraphs. */
export const paragraphs = (text = '') =>
  text
    .trim()
    .split(/\n\s*\n/)
    .filter((part) => part !== '')
    .map((part) => `<p>${inline(part)}</p>`)
    .join('');

/** A JSON value, indented; a short one in one line. */
export function json(value) {
  const line = JSON.stringify(value);
  const text = line.length <= 70 ? line : JSON.stringify(value, null, 2);
  return `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>`;
}
