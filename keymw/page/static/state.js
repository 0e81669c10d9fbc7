// The state of a key, in a word and in the words of the table.

import { now } from './api.js';

const DAY = 86400e3;
const SOON = 14 * DAY;

export function stateOf(key) {
  const end = key.expires_at ? Date.parse(key.expires_at) : Infinity;
  if (end <= now()) return 'ended';
  if (!key.enabled) return 'disabled';
  return end - now() < SOON ? 'expiring' : 'active';
}

// Days and times are those of the reader's time zone, as a clock there shows.
const two = (number) => String(number).padStart(2, '0');
const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);

function clock(text) {
  const at = new Date(text);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function day(text) {
  const at = new Date(text);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export const minute = (text) => `${day(text)} ${clock(text)}`;

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

// The last second of a day, which is a local one where no zone is written.
export const endOf = (date) => new Date(`${date}T23:59:59`).toISOString();

export function ends(key) {
  if (!key.expires_at) return 'never';
  const end = Date.parse(key.expires_at);
  const days = Math.round((midnight(end) - midnight(now())) / DAY);
  if (end <= now() || days > 14) return day(end);
  if (!days) return `today at ${clock(end)}`;
  return `${day(end)}, in ${days} ${days === 1 ? 'day' : 'days'}`;
}

export function lastUse(key) {
  if (!key.last_used_at) return 'never';
  const from = key.last_used_from ? ` from ${key.last_used_from}` : '';
  return day(key.last_used_at) + from;
}

export const inDays = (days) => new Date(now() + days * DAY).toISOString();

export const roleNames = (key) =>
  key.unrestricted ? 'all' : key.roles.map((role) => role.name).join(', ');
