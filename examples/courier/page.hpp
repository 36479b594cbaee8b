// SPDX-License-Identifier: MIT
#pragma once

/// The page of the courier example: a courier's phone and a customer's screen side by side.
inline constexpr const char* courier_page = R"page(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Where is my courier?</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
  svg { width: 100%; border: 1px solid; border-radius: .5rem; }
  circle { transition: cx 1s linear, cy 1s linear; }
</style>
<h1>Where is my courier?</h1>
<p>The courier of order-1 sends a position once a second; this screen watches the order.
   <output id="state">Connecting.</output></p>
<svg viewBox="0 0 100 60" role="img" aria-label="Map with the courier's position">
  <path d="M5 30H95M50 5V55" stroke="gray" stroke-width=".5"/>
  <circle id="courier" r="2.5" cx="50" cy="30" fill="#0a7f5a"/>
</svg>
<p><button id="phone">Start the courier's phone</button></p>
<script>
const url = (token) => `${location.origin.replace('http', 'ws')}/ws?token=${token}`;
const state = document.getElementById('state');

const screen = new WebSocket(url('customer-1'));
screen.onopen = () => screen.send(JSON.stringify({ type: 'subscribe', orderId: 'order-1' }));
screen.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.type !== 'courier:position') return;
  const courier = document.getElementById('courier');
  courier.setAttribute('cx', message.x);
  courier.setAttribute('cy', message.y);
  state.textContent = `Last seen at ${new Date().toLocaleTimeString()}.`;
};
screen.onclose = () => { state.textContent = 'The connection is lost.'; };

document.getElementById('phone').onclick = ({ target }) => {
  target.disabled = true;
  const phone = new WebSocket(url('courier-1'));
  phone.onopen = () => setInterval(() => {
    const turn = Date.now() / 3000;
    phone.send(JSON.stringify({
      type: 'position', x: 50 + 40 * Math.cos(turn), y: 30 + 20 * Math.sin(turn),
    }));
  }, 1000);
};
</script>
</html>
)page";
