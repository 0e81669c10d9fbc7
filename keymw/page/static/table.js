// A table with roles of its own: CSS makes cards of it on narrow screens.

import { make } from './dom.js';

export function table(caption, headings, rows) {
  return make('table', { role: 'table', 'aria-label': caption },
    make('thead', { role: 'rowgroup' },
      make('tr', { role: 'row' }, ...headings.map((text) =>
        make('th', { scope: 'col', role: 'columnheader' }, text)))),
    make('tbody', { role: 'rowgroup' }, ...rows));
}

export function row(headings, cells, attributes = {}) {
  const made = cells.map((cell, at) => make(at ? 'td' : 'th', {
    role: at ? 'cell' : 'rowheader',
    scope: at ? null : 'row',
    'data-label': at && headings[at] !== 'Actions' ? headings[at] : null,
  }, ...[cell].flat()));
  return make('tr', { role: 'row', ...attributes }, ...made);
}

export const state = (word) =>
  make('span', { class: `state ${word}` }, word);

export const small = (text) => make('span', { class: 'small' }, text);
