import { describeCells } from '../cells/contract.ts';
import { describeStore } from '../contract.ts';
import { engineDisk, openMemoryStore } from './index.ts';

describeStore(
  'on the engine in memory',
  async () => {
    const disk = engineDisk();
    return { open: (options) => openMemoryStore(disk, options), stop: async () => {} };
  },
  'rows',
);

describeCells(
  'the engine in memory',
  async () => {
    const store = openMemoryStore(engineDisk());
    await store.migrate();
    return { store, stop: () => store.close() };
  },
  { runs: 4, large: false },
);
