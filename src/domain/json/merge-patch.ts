/** RFC 7396 on text: what the patch does not name keeps the text that it was written with, number by number. */
import { type JsonTree, objectText } from './members.js';

/** The text of the merged value; `target` null: there is nothing that could be merged into. */
export const mergePatch = (target: JsonTree | null, patch: JsonTree): string => {
  if (patch.members === null) return patch.text;
  const before = target?.members ?? null;
  const merged = new Map<string, string>();
  for (const [name, member] of before ?? []) merged.set(name, member.text);
  for (const [name, change] of patch.members)
    if (change.text === 'null') merged.delete(name);
    else merged.set(name, mergePatch(before?.get(name) ?? null, change));
  return objectText(merged);
};
