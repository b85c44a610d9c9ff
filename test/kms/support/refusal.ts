/** What a KMS says when it refuses; anything else it does is thrown. */
import { KmsError } from '../../../src/kms/kms.js';

export const refusalOf = async (work: Promise<unknown>): Promise<KmsError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof KmsError) return error;
    throw error;
  }
  throw new Error('it did what it should have refused');
};
