/** What may sign a JWT here: public-key algorithms only. `none` and shared secrets are no choice anybody can make. */
export const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'],
  ...['PS256', 'PS384', 'PS512', 'EdDSA'],
] as const;

export const isAlgorithm = (name: string): boolean => ALGORITHMS.some(known => known === name);
