// SPDX-License-Identifier: MIT

const contents = document.querySelector('nav details');
const filter = document.querySelector('nav input');

// A phone shows the page first.
const wide = matchMedia('(min-width: 60rem)');
const fold = () => {
  contents.open = wide.matches;
};
fold();
wide.addEventListener('change', fold);
contents.addEventListener('click', (event) => {
  if (event.target.closest('a') && !wide.matches) contents.open = false;
});

filter.addEventListener('input', () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const list of contents.querySelectorAll('ul')) {
    let shown = 0;
    for (const entry of list.children) {
      entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
      if (!entry.hidden) shown += 1;
    }
    list.previousElementSibling.hidden = shown === 0;
  }
});
