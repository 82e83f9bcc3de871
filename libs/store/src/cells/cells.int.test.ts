import { temporaryStore } from '../testing.ts';
import { describeCells } from './contract.ts';

describeCells('the engine in this process', () => temporaryStore());
