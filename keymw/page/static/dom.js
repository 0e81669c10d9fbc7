// Elements of the page. Text of the server is only ever a text node.

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

// A name that somebody chose, apart from the direction of the text around it.
export const named = (text) => make('bdi', {}, text);

export function button(text, press, attributes = {}) {
  return make('button', { type: 'button', ...attributes, onclick: press },
    ...[text].flat());
}

// text is a string, or a list of strings and elements.
export function say(text) {
  byId('status').replaceChildren(...[text].flat());
}

export function complain(text, where = byId('problem')) {
  where.replaceChildren(...[text].flat());
  if (text) where.focus();
}

export function quiet() {
  say('');
  complain('');
}

// Runs one action of a control at a time; the control stays focusable.
export async function once(control, action) {
  if (control.getAttribute('aria-disabled') === 'true') return;
  control.setAttribute('aria-disabled', 'true');
  try {
    await action();
  } finally {
    control.removeAttribute('aria-disabled');
  }
}

export function copier(text, what) {
  const press = async (event) => {
    try {
      await navigator.clipboard.writeText(text);
      say(`${what} copied.`);
    } catch {
      const node = event.target.parentNode.querySelector('pre, input');
      if (node.select) node.select();
      else getSelection().selectAllChildren(node);
      say(`${what} selected: copy it with Ctrl+C.`);
    }
  };
  return button(`Copy ${what.toLowerCase()}`, press);
}
