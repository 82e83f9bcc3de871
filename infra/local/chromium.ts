import { findProgram } from './server.ts';

/** Debian's; a downloaded one would be another 150 MB, and not the one that is kept up to date. */
export function chromiumProgram(): string | undefined {
  return findProgram('chromium') ?? findProgram('chromium-browser');
}

/** Without a sandbox, because tests may run as root in a container; without whatever would call somebody outside this machine. */
export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;
