// SPDX-License-Identifier: MIT

import './styles/index.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { session, settings } from './services.ts';
import { mayReload } from './shell/reload.ts';

function showColours(): void {
  document.documentElement.dataset.colours = settings.get().colours;
}
settings.subscribe(showColours);
showColours();

window.addEventListener('vite:preloadError', () => {
  const [entry] = performance.getEntriesByType('navigation');
  const navigation = entry instanceof PerformanceNavigationTiming ? entry.type : '';
  if (mayReload({ navigation, ageMs: performance.now() })) location.reload();
});

void session.restore();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

// The shell opens without a network, too. A page that can't have it works all the same.
if ('serviceWorker' in navigator && import.meta.env.PROD) {
  window.addEventListener('load', () => {
    void navigator.serviceWorker.register('/sw.js').catch(() => undefined);
  });
}
