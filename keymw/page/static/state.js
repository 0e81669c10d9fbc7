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

export const day = (text) => text.slice(0, 10);

export function ends(key) {
  if (!key.expires_at) return 'never';
  const days = Math.ceil((Date.parse(key.expires_at) - now()) / DAY);
  return days > 0 && days <= 14
    ? `${day(key.expires_at)}, in ${days} ${days === 1 ? 'day' : 'days'}`
    : day(key.expires_at);
}

export function lastUse(key) {
  if (!key.last_used_at) return 'never';
  const from = key.last_used_from ? ` from ${key.last_used_from}` : '';
  return day(key.last_used_at) + from;
}

export const inDays = (days) => new Date(now() + days * DAY).toISOString();

export const roleNames = (key) =>
  key.unrestricted ? 'all' : key.roles.map((role) => role.name).join(', ');
