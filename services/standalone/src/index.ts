export { type OpenOptions, openPaceline, type Paceline, VERSION } from './open.ts';
export { type Served, serve } from './serve.ts';
