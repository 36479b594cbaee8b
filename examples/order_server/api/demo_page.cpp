// SPDX-License-Identifier: MIT
#include "api/context.hpp"

#include <string>
#include <string_view>

/// A page to look at: sign in, watch the orders live, move them on. Three small files, nothing from
/// elsewhere, under a policy that allows no more than that.
namespace order_server {
namespace {

using ordercast::HttpResponse;

constexpr std::string_view page = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Orders, live</title>
<link rel="stylesheet" href="/demo.css">
<h1>Orders, live <span id="state">signed out</span></h1>
<form id="login">
  <input id="email" type="email" value="admin@martly.dev" aria-label="Email" required>
  <input id="password" type="password" value="admin123" aria-label="Password" required>
  <button>Sign in</button>
</form>
<p id="problem" role="alert"></p>
<table><tbody id="orders"></tbody></table>
<script src="/demo.js"></script>
</html>
)";

constexpr std::string_view style =
    R"(body { font: 16px system-ui; margin: 2rem auto; max-width: 60rem }
#state { font-size: 1rem; color: #666 }
#problem { color: #b00 }
table { border-collapse: collapse; width: 100% }
td { border-top: 1px solid #ddd; padding: .4rem }
tr.changed { background: #ffd }
button { margin-right: .3rem }
)";

constexpr std::string_view script = R"('use strict';
const byId = (id) => document.getElementById(id);
const orders = new Map();
let token = '';
let role = '';
let attempts = 0;

const problem = (text) => { byId('problem').textContent = text || ''; };

async function api(method, path, body) {
  const headers = {};
  if (token) headers.Authorization = 'Bearer ' + token;
  if (body) headers['Content-Type'] = 'application/json';
  const reply = await fetch('/api/v1' + path, { method, headers, body: body && JSON.stringify(body) });
  const answer = await reply.json();
  if (!answer.success) throw new Error(answer.message);
  return answer.data;
}

function nextStatuses(order) {
  const pickup = order.fulfillmentType === 'PICKUP';
  const next = {
    PENDING: 'CONFIRMED', CONFIRMED: 'PREPARING', PREPARING: 'READY',
    READY: pickup ? 'DELIVERED' : 'OUT_FOR_DELIVERY', OUT_FOR_DELIVERY: 'DELIVERED',
  }[order.status];
  return next ? [next, 'CANCELLED'] : [];
}

function button(text, action) {
  const element = document.createElement('button');
  element.textContent = text;
  element.onclick = () => action().then(() => problem(), (error) => problem(error.message));
  return element;
}

function buttons(order) {
  const path = '/orders/' + encodeURIComponent(order.id);
  if (role !== 'CUSTOMER') {
    return nextStatuses(order).map((status) =>
      button(status, () => api('PATCH', path + '/status', { status })));
  }
  const early = order.status === 'PENDING' || order.status === 'CONFIRMED';
  return early ? [button('Cancel', () => api('POST', path + '/cancel'))] : [];
}

// An answer that was overtaken by a newer push must not undo it.
function show(order, changed) {
  const shown = orders.get(order.id);
  if (shown && shown.version >= order.version) return;
  const row = shown ? shown.row : byId('orders').insertRow(changed ? 0 : -1);
  orders.set(order.id, { version: order.version, row });
  row.className = changed ? 'changed' : '';
  row.replaceChildren();
  for (const text of ['#' + order.id.slice(0, 8), order.status, order.paymentStatus,
                      order.totalAmount, 'v' + order.version]) {
    row.insertCell().textContent = text;
  }
  row.insertCell().append(...buttons(order));
}

function connect() {
  // As a subprotocol and not in the URL: URLs end up in logs.
  const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/ws',
                               ['ordercast.v1', 'bearer.' + token]);
  const watch = (id) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    const since = orders.has(id) ? orders.get(id).version : 0;
    socket.send(JSON.stringify({ type: 'subscribe', orderId: id, since }));
  };
  socket.onopen = async () => {
    byId('state').textContent = 'live';
    for (const id of orders.keys()) watch(id);
    try {
      for (const order of await api('GET', '/orders?pageSize=50')) {
        if (orders.has(order.id)) continue;
        show(order, false);
        watch(order.id);
      }
      attempts = 0;
    } catch (error) { problem(error.message); }
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === 'order:updated') show(message.data, true);
    if (message.type === 'orders:changed' && !orders.has(message.orderId)) watch(message.orderId);
    if (message.type === 'error') problem(message.message);
  };
  socket.onclose = (event) => {
    byId('state').textContent = event.code === 4001 ? 'sign in again' : 'reconnecting';
    if (event.code === 4001) return;
    const asked = /retry-after-ms=(\d+)/.exec(event.reason);
    const backoff = Math.min(30000, 500 * 2 ** attempts++) * (0.5 + Math.random() / 2);
    setTimeout(connect, asked ? Number(asked[1]) : backoff);
  };
}

byId('login').onsubmit = async (event) => {
  event.preventDefault();
  try {
    const data = await api('POST', '/auth/login',
                           { email: byId('email').value, password: byId('password').value });
    token = data.accessToken;
    role = (await api('GET', '/auth/me')).role;
    byId('login').hidden = true;
    problem();
    connect();
  } catch (error) { problem(error.message); }
};
)";

HttpResponse file(std::string_view type, std::string_view text) {
  return {200,
          {{"Content-Type", std::string(type) + "; charset=utf-8"},
           {"Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
           {"Referrer-Policy", "no-referrer"}},
          std::string(text)};
}

HttpResponse send_page(const ApiRequest& /*request*/, ApiContext& /*context*/) {
  return file("text/html", page);
}
HttpResponse go_to_page(const ApiRequest& /*request*/, ApiContext& /*context*/) {
  return {302, {{"Location", "/demo"}}, {}};
}
HttpResponse send_style(const ApiRequest& /*request*/, ApiContext& /*context*/) {
  return file("text/css", style);
}
HttpResponse send_script(const ApiRequest& /*request*/, ApiContext& /*context*/) {
  return file("text/javascript", script);
}

}  // namespace

Routes demo_page_routes() {
  return {{"GET", "/demo", Access::open, Lane::io, &send_page},
          {"GET", "/demo.css", Access::open, Lane::io, &send_style},
          {"GET", "/demo.js", Access::open, Lane::io, &send_script}};
}

Routes demo_home_routes() {
  return {{"GET", "/", Access::open, Lane::io, &go_to_page}};
}

}  // namespace order_server
