/** A process's report is laid out as formats.md §6 says: each field is bound, and no two reports give the same bytes. */
import * as assert from 'uvu/assert';
import { label } from '../../src/crypto/bytes.js';
import { type NodeWords, nodeReportMac } from '../../src/crypto/node-report-mac.js';
import { prf } from '../../src/crypto/prf.js';
import { describe } from '../support/describe.js';
import { eventId, hex, keyId, ledger, rowKey } from './support/given.js';

const words: NodeWords = {
  ...{ process: eventId, node: 'a', holds: new Map([[1, 'ab']]), keeps: [1, 2], ended: false, told: 5 },
};
const MAC = '37473e39a56a40849774a183befe03c2175a16e0e23b48eba154d795a9608395';

describe('the MAC of a node report', test => {
  test('is over every field, each with its length', () => {
    const tail = '202122232425262728292a2b2c2d2e2f016100000000000000000500010000000102616200020000000100000002';
    const message = Buffer.concat([label('node-report'), ledger, Buffer.from(tail, 'hex')]);
    assert.is(hex(nodeReportMac(rowKey, ledger, words)), hex(prf(rowKey, message)));
    assert.is(hex(nodeReportMac(rowKey, ledger, words)), MAC);
  });

  test('is another one when anything differs', () => {
    const others: readonly Partial<NodeWords>[] = [
      ...[{ process: keyId }, { node: 'b' }, { holds: new Map([[1, 'ac']]) }, { holds: new Map([[2, 'ab']]) }],
      ...[{ holds: new Map() }, { keeps: [1] }, { keeps: [2, 1] }, { ended: true }, { told: 6 }],
    ];
    const all = [words, ...others.map(other => ({ ...words, ...other }))].map(each =>
      hex(nodeReportMac(rowKey, ledger, each)),
    );
    assert.is(new Set(all).size, all.length);
  });
});
