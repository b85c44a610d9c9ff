/** Waits between attempts to reach a database that is away: doubling, bounded, and spread so that nodes do not march in step. */
import { randomBytes } from '../crypto/random.js';

const FIRST_MS = 100;
const LAST_MS = 5000;

/** ms before attempt `attempt` + 1; attempts count from 1. Between half and all of 100 ms, 200 ms … 5 s. */
export const backoffMs = (attempt: number): number => {
  const whole = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16));
  return Math.round(whole * (0.5 + randomBytes(2).readUInt16BE() / 131_072));
};
