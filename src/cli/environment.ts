/**
 * The environment of the command line, decoded once; nothing else in `cli/` reads it. Tallystick's own names win over
 * Vault's, so that both can be set side by side. An empty variable is an unset one.
 */
import { homedir } from 'node:os';
import * as t from 'io-ts';
import { E } from '../fp.js';

const Variables = t.partial({
  TALLYSTICK_ADDR: t.string,
  TALLYSTICK_TOKEN: t.string,
  TALLYSTICK_CACERT: t.string,
  TALLYSTICK_DATA: t.string,
  VAULT_ADDR: t.string,
  VAULT_TOKEN: t.string,
  VAULT_CACERT: t.string,
  NO_COLOR: t.string,
  TERM: t.string,
});
type Variable = keyof t.TypeOf<typeof Variables>;

/** A setting and the variable that it came from, so that an error can say where a wrong one was set. */
export interface Setting {
  readonly value: string;
  readonly from: string;
}

export interface Environment {
  readonly address: Setting | null;
  readonly token: Setting | null;
  readonly caCert: Setting | null;
  /** The data folder of a local `tally dev`. */
  readonly dataFolder: string;
  readonly home: string;
  /** False when the user asked for plain text (no-color.org) or the terminal cannot do better. */
  readonly colour: boolean;
}

export const readEnvironment = (source: NodeJS.ProcessEnv = process.env): Environment => {
  const decoded = Variables.decode(source);
  const variables: t.TypeOf<typeof Variables> = E.isRight(decoded) ? decoded.right : {};
  const first = (...names: readonly Variable[]): Setting | null => {
    for (const from of names) {
      const value = variables[from];
      if (value !== undefined && value !== '') return { value, from };
    }
    return null;
  };
  return {
    address: first('TALLYSTICK_ADDR', 'VAULT_ADDR'),
    token: first('TALLYSTICK_TOKEN', 'VAULT_TOKEN'),
    caCert: first('TALLYSTICK_CACERT', 'VAULT_CACERT'),
    dataFolder: first('TALLYSTICK_DATA')?.value ?? '.tallystick',
    home: homedir(),
    colour: first('NO_COLOR') === null && variables.TERM !== 'dumb',
  };
};
