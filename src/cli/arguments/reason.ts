/** The headers that carry why a change is made. */
import { badInput } from '../exit-codes.js';
import type { ReasonOptions } from './options.js';

/** A header is bytes: UTF-8, written one character for each byte, which is how HTTP libraries hand them on. */
const headerText = (text: string, option: string): string => {
  if (/[\u0000-\u001f\u007f]/.test(text)) throw badInput(`${option} must be one line without control characters`);
  return Buffer.from(text, 'utf8').toString('latin1');
};

export const reasonHeaders = (options: ReasonOptions): Readonly<Record<string, string>> => {
  const headers: Record<string, string> = {};
  if (options.reason !== undefined) headers['x-tallystick-reason'] = headerText(options.reason, '--reason');
  if (options.ticket !== undefined) headers['x-tallystick-ticket'] = headerText(options.ticket, '--ticket');
  if (options.idempotencyKey !== undefined)
    headers['idempotency-key'] = headerText(options.idempotencyKey, '--idempotency-key');
  return headers;
};
