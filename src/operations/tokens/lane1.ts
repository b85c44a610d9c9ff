/** What every command that changes authority has in common: it travels alone, so that later ones see it folded. */
import type { Uuid } from '../../crypto/bytes.js';
import type { RequestContext } from '../request.js';

export const lane1Command = (context: RequestContext, streamId: Uuid, weight: number) => ({
  streams: [streamId],
  repeatOf: null,
  alone: true,
  weight,
  eventsMax: 1,
  deadlineMs: context.deadlineMs,
  gone: context.gone,
});
