/**
 * The evaluator's version, named by every tick and judgement. It moves when the same facts would be judged otherwise: then
 * a replay builds the new edition beside the one in use.
 */
export const EDITION = 1;
