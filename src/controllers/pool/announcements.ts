import { conditionOf } from '../../api/conditions.ts';
import type { GpuPoolStatus } from '../../api/gpu-pool.ts';
import { serviceTrouble } from '../../plan/service/words.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';

/** What the change from one status to the next has to say to whoever runs `kubectl describe`. */
export function announcementsFor(
  before: GpuPoolStatus,
  after: GpuPoolStatus,
  isBreakerClosed: boolean,
): Announcement[] {
  const said: Announcement[] = [];
  const repairing = conditionOf(after.conditions, 'Repairing');
  const isNews = conditionOf(before.conditions, 'Repairing')?.reason !== repairing?.reason;
  if (isNews && (repairing?.reason === 'BreakerOpen' || repairing?.reason === 'TooManyUnhealthy')) {
    said.push({ type: 'Warning', reason: repairing.reason, message: repairing.message });
  }
  said.push(...serviceTrouble(before.conditions, after.conditions));
  if (isBreakerClosed) {
    const message = 'A member that was made since repairs had stopped became Ready: members are repaired again.';
    said.push({ type: 'Normal', reason: 'BreakerClosed', message });
  }
  return said;
}
