import { runAlerts } from './process.ts';

await runAlerts();
