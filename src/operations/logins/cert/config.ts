/** The configuration of a cert mount. */
import * as t from 'io-ts';
import type { Settings } from '../../../authority/settings.js';
import { IntegrityError } from '../../../ledger/integrity.js';
import type { CertConfig } from './contract.js';

const Config = t.type({ disable_binding: t.boolean });

const UNSET: CertConfig = { disable_binding: false };

export const configOf = (settings: Settings | null): CertConfig => {
  if (settings === null) return UNSET;
  if (!Config.is(settings)) throw new IntegrityError('configuration of a cert mount');
  return settings;
};
