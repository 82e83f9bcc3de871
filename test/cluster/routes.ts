import type { ServiceName } from './processes.ts';

/** Which service answers a request, as the proxy in front of them decides it (`infra/nginx.conf`; a test compares the two). */
export function serviceOf(method: string, path: string): ServiceName {
  const [place = ''] = path.split('?');
  const writes = method !== 'GET' && method !== 'HEAD';
  if (writes && /^\/v1\/(observations|covered)$/.test(place)) return 'connectors';
  if (/^\/v1\/sources(\/|$)/.test(place)) return 'connectors';
  if (/^\/v1\/dead-letters\/[^/]+\/retry$/.test(place)) return 'connectors';
  if (/^\/v1\/(definitions|check-ins|overrides)(\/|$)/.test(place)) return 'catalog';
  if (/^\/v1\/alerts\/[^/]+\/(ack|snooze)$/.test(place)) return 'alerts';
  return 'query';
}
